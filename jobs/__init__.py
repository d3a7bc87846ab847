"""What is submitted to Flink: one short file a job."""
