"""Records from files, directories and HTTP into the raw topic, each exactly once."""
