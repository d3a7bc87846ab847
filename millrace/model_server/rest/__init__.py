"""TensorFlow Serving's REST API: JSON in, JSON out, over the same core as gRPC.

What a request means and what an error says follow tensorflow/serving at 9d981c5, mostly
`tensorflow_serving/util/json_tensor.cc` and `model_servers/http_rest_api_handler.cc`.
"""
