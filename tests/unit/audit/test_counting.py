"""Audits over stages in memory: what is missing, double, under way or unexplained."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from millrace.audit.counting import Audit, audit
from millrace.audit.ranges import source_range
from millrace.cli.arguments import time_ms
from millrace.kafka.readers import Offsets, Record
from udfs.errors import ConfigurationError, DataError


class Memory:
    """Stages whose raw topic has two partitions of ten records, a second apart."""

    def __init__(self, answered: list[tuple[int, int]], letters: list[dict[str, Any]]) -> None:
        answers = [{"source_partition": p, "source_offset": o} for p, o in answered]
        self.values = {
            "predictions": [msgspec.json.encode(answer) for answer in answers],
            "duplicates": [],
            "dead-letters": [msgspec.json.encode(letter) for letter in letters],
        }

    def read(
        self, stage: str, start: Offsets | None = None, end: Offsets | None = None
    ) -> Iterator[Record]:
        """Records of a stage."""
        if stage != "raw":
            for offset, value in enumerate(self.values[stage]):
                yield Record(f"fraud.{stage}", 0, offset, 0, None, value)
            return
        for partition in start or ():
            for offset in range((start or {})[partition], (end or {})[partition]):
                yield Record("fraud.raw", partition, offset, offset * 1000, b"", b"")

    def first(self, stage: str) -> dict[int, int]:
        """Both partitions begin at 0."""
        return {0: 0, 1: 0}

    def end(self, stage: str) -> dict[int, int]:
        """Both partitions end at 10."""
        return {0: 10, 1: 10}

    def at(self, stage: str, time_ms: int) -> dict[int, int]:
        """A record a second."""
        return dict.fromkeys((0, 1), -(-time_ms // 1000))


def letter(partition: int, offset: int, topic: str = "fraud.raw") -> dict[str, Any]:
    return {"source_topic": topic, "source_partition": partition, "source_offset": offset}


ALL = [(p, o) for p in (0, 1) for o in range(10)]


def found(stages: Memory, begin: str | None = None, finish: str | None = None) -> Audit:
    return audit(stages, "fraud", source_range(stages, begin, finish, time_ms))


def test_one_outcome_each_closes() -> None:
    stages = Memory(ALL[:-1], [letter(1, 9)])
    done = found(stages)
    assert (done.closes, done.inputs, done.outcomes) == (
        True,
        20,
        {"predictions": 19, "dead-letters": 1, "duplicates": 0},
    )


def test_missing_and_double_ones_are_listed_and_the_newest_told_apart() -> None:
    gone = {(0, 3), (0, 4), (1, 8), (1, 9)}
    stages = Memory([place for place in ALL if place not in gone], [letter(0, 7), letter(0, 7)])
    done = found(stages)
    assert (done.missing, done.missing_ranges) == (4, {0: [(3, 4)], 1: [(8, 9)]})
    assert (done.under_way, done.double, done.double_ranges) == (2, 1, {0: [(7, 7)]})
    assert not done.closes


@pytest.mark.parametrize(
    ("begin", "finish", "expected"),
    [
        pytest.param("0:2", "0:5", ({0: 2}, {0: 5}), id="offsets of one partition"),
        pytest.param("0:2,1:3", None, ({0: 2, 1: 3}, {0: 10, 1: 10}), id="offsets without an end"),
        pytest.param(None, "0:50,1:1", ({0: 0, 1: 0}, {0: 10, 1: 1}), id="an end that is beyond"),
        pytest.param("2000", "4500", ({0: 2, 1: 2}, {0: 5, 1: 5}), id="times in milliseconds"),
        pytest.param(
            "1970-01-01T00:00:02Z", None, ({0: 2, 1: 2}, {0: 10, 1: 10}), id="time in UTC"
        ),
    ],
)
def test_ranges_are_given_by_offsets_or_times(
    begin: str | None, finish: str | None, expected: tuple[dict[int, int], dict[int, int]]
) -> None:
    assert source_range(Memory([], []), begin, finish, time_ms) == expected


def test_outcomes_outside_of_the_range_do_not_count() -> None:
    done = found(Memory(ALL, []), "0:2", "0:5")
    assert (done.inputs, done.outcomes["predictions"], done.closes) == (3, 3, True)


def test_dead_letters_of_other_topics_are_not_outcomes() -> None:
    done = found(Memory(ALL, [letter(0, 1, "fraud.labels")]))
    assert (done.closes, done.outcomes["dead-letters"]) == (True, 0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("noon", "--from is 'noon'; it is a time such as 2025-07-31"),
        ("0:1:2", "offsets look like 0:500,1:700"),
        ("0:x", "--from is '0:x'; offsets look like 0:500,1:700"),
        ("7:1", "there is no partition 7; partitions are 0, 1"),
    ],
)
def test_a_wrong_bound_is_told_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        source_range(Memory([], []), text, None, time_ms)


@pytest.mark.parametrize(("begin", "finish"), [("0:5", "0:2"), ("1970-01-01T00:00:05", "2000")])
def test_a_range_that_ends_before_it_begins_is_refused(begin: str, finish: str) -> None:
    with pytest.raises(ConfigurationError, match="the range ends before it begins"):
        source_range(Memory([], []), begin, finish, time_ms)


def test_an_outcome_without_a_source_is_named_by_its_place() -> None:
    stages = Memory(ALL, [])
    stages.values["predictions"][3] = b"{}"
    with pytest.raises(DataError, match=r"fraud\.predictions, partition 0, offset 3 does not say"):
        found(stages)
