"""The end of a job: answer blocks, taken apart and written to Kafka."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.stages.jvm import blocks, java_map, string_array


def write_answers(
    answers: Any,
    use_case: str,
    topics: Sequence[str],
    *,
    exactly_once: bool,
    transactional_id_prefix: str,
    properties: Mapping[str, str],
) -> None:
    """Writes the records of answer blocks to their topics, by the topic's place in the list.

    Args:
        answers: a Java stream of blocks as `udfs.functions.answers` makes them.
        use_case: names the operators.
        topics: all topics of the answers.
        exactly_once: one transaction a subtask and checkpoint over all topics; else the records
            of the last checkpoint's time may come twice after a failure.
        transactional_id_prefix: unique for the deployment and this sink.
        properties: producer properties, with `bootstrap.servers`.
    """
    java = blocks()
    names = string_array(topics)
    records = java.unpack(answers, f"{use_case}/unpack", names)
    java.write(
        records,
        f"{use_case}/write",
        names,
        exactly_once,
        transactional_id_prefix,
        java_map(properties),
    )
