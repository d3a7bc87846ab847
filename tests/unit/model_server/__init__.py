"""Tests of the model server's parts."""
