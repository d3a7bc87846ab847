"""Compares what came in with what came out."""
