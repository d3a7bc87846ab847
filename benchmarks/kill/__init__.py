"""Parts of the kill test: what is killed and how it recovers, and how outputs are counted."""
