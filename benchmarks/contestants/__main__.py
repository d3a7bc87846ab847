"""Runs one contestant: `python -m benchmarks.contestants MODULE ASSIGNMENT`.

The contestant is imported by name: Flink pickles functions of the entry file by value.
"""

import sys
from importlib import import_module

import msgspec

from benchmarks.assignment import Assignment

if __name__ == "__main__":
    module = import_module(f"benchmarks.contestants.{sys.argv[1]}")
    module.run(msgspec.json.decode(sys.argv[2], type=Assignment))
