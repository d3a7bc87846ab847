"""What is done to a running pipeline, and what has to hold all the same."""
