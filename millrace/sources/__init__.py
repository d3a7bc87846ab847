"""Where records come from: built-in generators, files the user brings, faults on purpose."""
