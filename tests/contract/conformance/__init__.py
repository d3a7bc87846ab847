"""Conformance suite: what TensorFlow Serving does on the wire, asked of any server at an address.

Every case names the file of tensorflow/serving, at one commit, that its expectation was read in.
`make conformance` runs it against the server of this repository, or with TARGET=host:port against
another one that serves the models which `python -m tests.contract.conformance.models` writes.
"""
