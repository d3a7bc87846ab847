"""What a job is tuned for: latency, throughput, or both well."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """The settings that pull latency and throughput apart.

    Attributes:
        linger_ms: the wait of a record for its block, where the block's receiver is not busy.
        block_records: a block is full with so many records.
        bundle_blocks: most blocks of a bundle; a bundle costs milliseconds whatever it holds,
            and its model calls overlap.
        bundle_ms: a bundle is closed after so long, twice that at most.
        checkpoint_interval_ms: under exactly-once also what a record waits for its commit.
        producer_linger_ms: Kafka's `linger.ms` of the sink.
    """

    linger_ms: int
    block_records: int
    bundle_blocks: int
    bundle_ms: int
    checkpoint_interval_ms: int
    producer_linger_ms: int


TARGETS = {
    "latency": Target(
        linger_ms=5,
        block_records=1024,
        bundle_blocks=64,
        bundle_ms=3,
        checkpoint_interval_ms=500,
        producer_linger_ms=1,
    ),
    "balanced": Target(
        linger_ms=10,
        block_records=4096,
        bundle_blocks=64,
        bundle_ms=5,
        checkpoint_interval_ms=1000,
        producer_linger_ms=5,
    ),
    "throughput": Target(
        linger_ms=50,
        block_records=8192,
        bundle_blocks=8,
        bundle_ms=100,
        checkpoint_interval_ms=5000,
        producer_linger_ms=20,
    ),
}
