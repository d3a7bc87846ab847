"""Tests of the Flink functions, without Flink."""
