"""Counts of a run: every source record once among predictions and dead letters, or what is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.kill.outputs import (
    Predictions,
    dead_letters,
    label_changes,
    place,
    predictions,
    reasons,
)
from benchmarks.reading import chunks
from udfs.records import DeadLetter, Reason


class _Transaction(msgspec.Struct):
    transaction_id: int


@dataclass(frozen=True)
class Verdict:
    """How the outputs of a run stand to its inputs.

    Attributes:
        inputs: records of the raw topic.
        predictions: predictions, all read committed.
        dead_letters: dead letters, likewise.
        missing: source records without an output.
        extra: outputs beyond one a source record.
        other_bytes: dead letters that do not hold key, value and timestamp of their source.
        other_ids: predictions whose business id is not that of their source.
        reasons: how many dead letters give each reason.
        routes: how many predictions went each way.
        labels: labels of the label topic.
        label_outcomes: changes of labels and dead letters of labels, together.
        labels_missing: labels without an outcome.
        labels_extra: outcomes beyond one a label.
    """

    inputs: int
    predictions: int
    dead_letters: int
    missing: int
    extra: int
    other_bytes: int
    other_ids: int
    reasons: Mapping[Reason, int]
    routes: Mapping[str, int]
    labels: int = 0
    label_outcomes: int = 0
    labels_missing: int = 0
    labels_extra: int = 0

    def wrong(self, expected_reasons: Mapping[Reason, int]) -> list[str]:
        """A sentence for everything that does not hold.

        >>> Verdict(2, 2, 0, 0, 0, 0, 0, {}, {}).wrong({})
        []
        """
        counts = {
            "source records have no output": self.missing,
            "outputs are beyond one a source record": self.extra,
            "dead letters hold other bytes than their source": self.other_bytes,
            "predictions name another record than their source": self.other_ids,
            "labels have no outcome": self.labels_missing,
            "outcomes are beyond one a label": self.labels_extra,
        }
        found = [f"{count:,} {text}" for text, count in counts.items() if count]
        if dict(self.reasons) != dict(expected_reasons):
            found.append(f"reasons are {dict(self.reasons)}, not {dict(expected_reasons)}")
        return found


def judge(bootstrap_servers: str, name: str) -> tuple[Verdict, Predictions]:
    """Holds the outputs of a run against its raw topic."""
    answers = predictions(bootstrap_servers, name)
    letters, refused = dead_letters(bootstrap_servers, name)
    told = _places_of(bootstrap_servers, f"{name}.labels")
    label_outcomes = np.concatenate([label_changes(bootstrap_servers, name), _places(refused)])
    labels_missing, labels_extra = differences(told, label_outcomes)
    by_place = {place(x.source_partition, x.source_offset): x for x in letters}
    sources, ids, other_bytes = _sources(bootstrap_servers, f"{name}.raw", by_place)
    outputs = np.concatenate([answers.places, _places(letters)])
    _, at, there = np.intersect1d(answers.places, sources, return_indices=True)
    missing, extra = differences(sources, outputs)
    verdict = Verdict(
        inputs=len(sources),
        predictions=len(answers.places),
        dead_letters=len(letters),
        missing=missing,
        extra=extra,
        other_bytes=other_bytes,
        other_ids=int((answers.business_ids[at] != ids[there]).sum()),
        reasons=reasons(letters),
        routes=answers.routes,
        labels=len(told),
        label_outcomes=len(label_outcomes),
        labels_missing=labels_missing,
        labels_extra=labels_extra,
    )
    return verdict, answers


def differences(inputs: NDArray[np.int64], outputs: NDArray[np.int64]) -> tuple[int, int]:
    """Inputs (n,), each there once, that are not among the outputs (m,), and outputs too many.

    >>> differences(np.array([1, 2, 3]), np.array([1, 1, 3, 7]))
    (1, 2)
    """
    missing = len(np.setdiff1d(inputs, outputs, assume_unique=False))
    return missing, len(outputs) - (len(inputs) - missing)


def _places(letters: Sequence[DeadLetter]) -> NDArray[np.int64]:
    places = (place(letter.source_partition, letter.source_offset) for letter in letters)
    return np.fromiter(places, np.int64, len(letters))


def _places_of(bootstrap_servers: str, topic: str) -> NDArray[np.int64]:
    """Places of all records of a topic, (n,)."""
    found = [
        place(m.partition(), m.offset()) for some in chunks(bootstrap_servers, topic) for m in some
    ]
    return np.array(found, np.int64)


def _sources(
    bootstrap_servers: str, topic: str, letters: Mapping[int, DeadLetter]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Places of the raw records, their ids (-1 for dead letters), and letters that differ."""
    decode = msgspec.json.Decoder(_Transaction).decode_lines
    places: list[int] = []
    ids: list[NDArray[np.int64]] = []
    differing = 0
    for messages in chunks(bootstrap_servers, topic):
        at = [place(m.partition(), m.offset()) for m in messages]
        good = [where not in letters for where in at]
        values = [m.value() for m, kept in zip(messages, good, strict=True) if kept]
        found = np.full(len(at), -1, np.int64)
        found[np.array(good, np.bool_)] = [t.transaction_id for t in decode(b"\n".join(values))]
        ids.append(found)
        for message, where, kept in zip(messages, at, good, strict=True):
            if not kept:
                letter = letters[where]
                holds = (letter.key, letter.value, letter.kafka_timestamp_ms)
                differing += holds != (message.key(), message.value(), message.timestamp()[1])
        places += at
    return np.array(places, np.int64), np.concatenate([np.empty(0, np.int64), *ids]), differing
