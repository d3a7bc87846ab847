"""TensorFlow without its start-up notes, which are not for whoever trains."""

import os

# Read once, when TensorFlow is loaded.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

__all__ = ["tf"]
