"""From the archive of a use case to a data set, as it was known at a time."""
