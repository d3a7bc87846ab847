"""Tests of dead letters and their redrive."""
