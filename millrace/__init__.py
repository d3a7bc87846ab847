"""What stands beside Flink: settings, Kafka, the local stack, models, the command line."""
