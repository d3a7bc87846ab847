"""Live feature rows, computed again from what is archived."""
