"""Tests of Millrace."""
