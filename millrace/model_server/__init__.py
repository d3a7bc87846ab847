"""A model server with TensorFlow Serving's API, for laptops, tests and places without its image.

The graph runs on the C++ runtime of TensorFlow's pip package, the one TensorFlow Serving is built
on, so results and errors are the runtime's own. TensorFlow's Python package is never imported:
the server is up in about a second.
"""
