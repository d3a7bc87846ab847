"""The raw stage: Kafka records, packed into blocks by the shard of their key."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyflink.datastream import KeyedStream, StreamExecutionEnvironment

from jobs.stages.jvm import blocks, java_map, keyed_by_shard


@dataclass(frozen=True)
class Packing:
    """How records become blocks.

    Attributes:
        shards: blocks and state are split by so many shards; bounds the parallelism for ever.
        records: a block is full with so many records.
        bytes: or with so many bytes of keys and values.
        linger_ms: and leaves after this long in any case.
    """

    shards: int
    records: int
    bytes: int
    linger_ms: int


def raw_blocks(
    env: StreamExecutionEnvironment,
    topic: str,
    group_id: str,
    *,
    start: str,
    bounded: bool,
    properties: Mapping[str, str],
    packing: Packing,
) -> KeyedStream:
    """Blocks of raw records, keyed by shard.

    Args:
        env: the environment; its maximal parallelism must be set.
        topic: the raw topic, keyed by the entity key.
        group_id: consumer group; offsets are committed with each checkpoint, for monitoring.
        start: `earliest`, `latest` or `committed`; a restored job goes on where it was.
        bounded: end at the offsets that are the newest when the job starts.
        properties: consumer properties, with `bootstrap.servers`.
        packing: how records become blocks.
    """
    java = blocks()
    records = java.read(
        env._j_stream_execution_environment,
        f"{topic}/read",
        topic,
        group_id,
        start,
        bounded,
        java_map(properties),
    )
    packed = java.pack(
        records,
        f"{topic}/pack",
        packing.shards,
        env.get_max_parallelism(),
        packing.records,
        packing.bytes,
        packing.linger_ms,
    )
    return keyed_by_shard(packed, env)
