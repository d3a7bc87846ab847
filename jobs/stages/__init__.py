"""The parts of a topology, in the order of the data."""
