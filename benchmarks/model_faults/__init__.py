"""Faults of the model server under a running score job, and what has to hold meanwhile."""
