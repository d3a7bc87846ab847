"""Flink's network buffers, sized for elements that are blocks of records."""

NETWORK_BUFFERS = {
    # A block of 8,192 records is a megabyte. With Flink's 32 KiB buffers and its few buffers a
    # gate the sender stops some ten times a block to wait for the receiver, which is busy.
    "taskmanager.memory.segment-size": "128 kb",
    "taskmanager.memory.network.min": "256 mb",
    "taskmanager.memory.network.max": "256 mb",
    "taskmanager.network.memory.floating-buffers-per-gate": "32",
    # At low rates blocks hold a few records each and those buffers thousands of blocks, more than
    # a worker does in seconds: what is under way is held to what it takes in this time.
    "taskmanager.network.memory.buffer-debloat.enabled": "true",
    "taskmanager.network.memory.buffer-debloat.target": "100 ms",
}
"""Options of a TaskManager: they belong to the cluster, a submitted job cannot change them."""
