"""Use cases: one value in one file each, and the contract they keep."""
