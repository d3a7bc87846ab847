"""The local stack: broker, model server and Flink as processes of this machine."""
