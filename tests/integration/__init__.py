"""Tests on real parts: a Kafka broker, Flink's mini-cluster, a SavedModel behind gRPC."""
