"""The whole story of a record, from topics and archive."""
