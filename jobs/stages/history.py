"""The raw stage out of a history file: an archive's records in the place of Kafka's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from jobs.stages.raw import Packing, packed


@dataclass(frozen=True)
class History:
    """A history file, see `millrace.archive.history`; all TaskManagers reach it.

    Attributes:
        path: the file.
        frames: how many frames it has.
        filled: a file that the job makes once a complete checkpoint holds all of it.
        stages: the stages of its frames, in the order of their numbers.
    """

    path: Path
    frames: int
    filled: Path
    stages: tuple[str, ...]


def history_frames(env: StreamExecutionEnvironment, name: str, history: History) -> Any:
    """Frames of all stages as a Java stream, read by one subtask so that they stay in order."""
    return get_gateway().jvm.millrace.flink.History.frames(
        env._j_stream_execution_environment,
        name,
        history.path.as_uri(),
        history.frames,
        str(history.filled),
    )


def history_blocks(
    frames: Any,
    topic: str,
    stage: int,
    env: StreamExecutionEnvironment,
    packing: Packing,
    *,
    watermarks: bool,
) -> Any:
    """Blocks of a stage's records as a Java stream of Row(shard, block).

    Args:
        frames: those of `history_frames`.
        topic: that the records were in.
        stage: the stage's number.
        env: the environment.
        packing: how records become blocks.
        watermarks: give the stream those of the frames.
    """
    records = get_gateway().jvm.millrace.flink.History.records(
        frames, f"{topic}/history", stage, watermarks
    )
    # As one subtask, or the records of a partition would overtake each other.
    return packed(records, f"{topic}/pack", env, packing).setParallelism(1)
