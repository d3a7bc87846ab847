"""Calls of different requests run together, as TensorFlow Serving's batching does it."""
