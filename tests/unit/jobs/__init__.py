"""Tests of the jobs, without Flink."""
