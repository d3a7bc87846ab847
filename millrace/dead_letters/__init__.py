"""Dead letters: found, shown, and written back to the topic they came from."""
