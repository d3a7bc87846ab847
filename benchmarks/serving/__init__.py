"""The model server beside its own session, called directly: `make bench-serving`."""
