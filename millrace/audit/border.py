"""Where the outputs of a deployment end, so that another one begins exactly there.

Flink commits the offsets of its sources after a checkpoint, and only as a best effort: the commit
of the last checkpoint can be lost when the source closes. So committed offsets are a lower bound;
what was written says where the outputs end.
"""

import time
from collections.abc import Mapping

from millrace.archive.offset_set import shown
from millrace.archive.stages import Stages
from millrace.audit.counting import OUTCOMES, OnProgress, answered, raw_offsets
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import Offsets, end_offsets
from millrace.kafka.topics import DEAD_LETTERS, LABEL_CHANGES, LABELS, RAW
from udfs.errors import ConfigurationError

_SETTLED_S = 30.0
_PAUSE_S = 0.5


def outputs_end(
    stages: Stages,
    use_case: str,
    committed: Mapping[str, Offsets],
    on_progress: OnProgress = lambda stage, count: None,
) -> dict[str, dict[int, int]]:
    """First source offsets without an output, by stage (`raw`, `labels`) and partition.

    Reads the outputs whole, and the raw records below the border: each of them has to have an
    outcome, or the next deployment would leave it without one. Where retention has deleted
    outputs, only records from the committed offsets on are compared.

    Args:
        stages: where records and outputs are; committed ones are read.
        use_case: its name.
        committed: by stage, the committed offsets of the deployment's consumer group.
        on_progress: told the stage and how many of its records were read.

    Raises:
        ConfigurationError: a raw record below the border has no outcome.
        DataError: an output does not say where it came from.
    """
    found = {RAW: _raw_end(stages, use_case, committed[RAW], on_progress)}
    if committed.get(LABELS):
        found[LABELS] = _labels_end(stages, use_case, committed[LABELS], on_progress)
    return found


def require_settled(cluster: Cluster, use_case: str, deadline_s: float = _SETTLED_S) -> None:
    """Returns once no transaction is open on the outputs, so that all of them can be read.

    Args:
        cluster: where the topics are.
        use_case: its name.
        deadline_s: for how long transactions may stay open, in seconds.

    Raises:
        ConfigurationError: one stays open.
    """
    until = time.monotonic() + deadline_s
    for stage in (*OUTCOMES, LABEL_CHANGES):
        topic = f"{use_case}.{stage}"
        while end_offsets(cluster, topic) != end_offsets(cluster, topic, committed=False):
            if time.monotonic() > until:
                raise ConfigurationError(
                    f"{topic} has an open transaction: the earlier deployment still runs, or was "
                    "killed and the broker has not yet ended its transaction; end it with flink "
                    "stop --drain, then try again"
                )
            time.sleep(_PAUSE_S)


def _raw_end(
    stages: Stages, use_case: str, committed: Offsets, on_progress: OnProgress
) -> dict[int, int]:
    first, end = stages.first(RAW), stages.end(RAW)
    deleted = any(any(stages.first(stage).values()) for stage in OUTCOMES)
    start = {p: committed.get(p, first[p]) for p in first} if deleted else first
    answers, _ = answered(stages, use_case, (start, end), on_progress)
    border = {p: max(start[p], committed.get(p, 0), answers[p].end) for p in start}
    for partition, offsets in raw_offsets(stages, (start, border), on_progress).items():
        missing = shown(offsets.without(answers[partition]))
        if missing:
            places = ", ".join(f"{a}-{b}" if a < b else str(a) for a, b in missing)
            raise ConfigurationError(
                f"{use_case}.{RAW}, partition {partition}, has records without an outcome before "
                f"the last one that has one (offsets {places}): the earlier deployment still runs, "
                "still held them when it ended, or began behind them; in the first two cases start "
                "it again, then end it with flink stop --drain"
            )
    return border


def _labels_end(
    stages: Stages, use_case: str, committed: Offsets, on_progress: OnProgress
) -> dict[int, int]:
    """A label that changes nothing has no output, so there is nothing to compare."""
    first, end = stages.first(LABELS), stages.end(LABELS)
    answers, _ = answered(
        stages,
        use_case,
        (first, end),
        on_progress,
        of=LABELS,
        written=(LABEL_CHANGES, DEAD_LETTERS),
    )
    return {p: max(first[p], committed.get(p, 0), answers[p].end) for p in first}
