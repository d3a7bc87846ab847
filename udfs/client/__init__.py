"""The TensorFlow Serving client: numpy in, numpy out, over gRPC and without TensorFlow."""
