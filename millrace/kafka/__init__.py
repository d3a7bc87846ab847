"""Kafka beside Flink: topics, readers, client settings."""
