"""The raw stage: Kafka records, packed into blocks by the shard of their key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyflink.datastream import StreamExecutionEnvironment

from jobs.stages.jvm import blocks, java_map


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


@dataclass(frozen=True)
class EventTime:
    """How a stream knows how far its event time has come.

    Attributes:
        out_of_order_ms: how far behind its newest Kafka timestamp a partition's watermark is.
        idle_ms: a partition that is silent for so long holds nobody back; 0: it does.
    """

    out_of_order_ms: int
    idle_ms: int


def raw_blocks(
    env: StreamExecutionEnvironment,
    topic: str,
    group_id: str,
    *,
    start: str,
    bounded: bool,
    properties: Mapping[str, str],
    packing: Packing,
    event_time: EventTime | None = None,
    begin: Mapping[int, int] | None = None,
) -> Any:
    """Blocks of raw records as a Java stream of Row(shard, block).

    Args:
        env: the environment; its maximal parallelism must be set.
        topic: the raw topic, keyed by the entity key.
        group_id: consumer group; offsets are committed with each checkpoint, for monitoring.
        start: `earliest`, `latest` or `committed`; a restored job goes on where it was.
        bounded: end at the offsets that are the newest when the job starts.
        properties: consumer properties, with `bootstrap.servers`.
        packing: how records become blocks.
        event_time: gives the stream watermarks; None: it has none.
        begin: by partition, the offset where a job without state begins, over `start`.
    """
    records = blocks().read(
        env._j_stream_execution_environment,
        f"{topic}/read",
        topic,
        group_id,
        start,
        java_map({f"{topic}/{p}": str(offset) for p, offset in (begin or {}).items()}),
        bounded,
        -1 if event_time is None else event_time.out_of_order_ms,
        0 if event_time is None else event_time.idle_ms,
        java_map(properties),
    )
    return packed(records, f"{topic}/pack", env, packing)


def packed(records: Any, name: str, env: StreamExecutionEnvironment, packing: Packing) -> Any:
    """Blocks of a Java stream of raw records, as Row(shard, block)."""
    return blocks().pack(
        records,
        name,
        packing.shards,
        env.get_max_parallelism(),
        packing.records,
        packing.bytes,
        packing.linger_ms,
    )
