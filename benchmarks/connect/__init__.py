"""What `make connect-test` runs the example for Kafka Connect on, and counts."""
