"""Tests of the TensorFlow Serving client."""
