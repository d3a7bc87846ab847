"""Puts the story of a record together, by its business id or by a prediction id."""

import json
import re
from dataclasses import dataclass
from typing import Any

from millrace.dead_letters.ledger import Redrive, entries
from millrace.inspection.searching import Found, Search
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import read
from millrace.kafka.topics import DEAD_LETTERS, FEATURES, LABELS, PREDICTIONS, RAW, REDRIVES
from udfs.use_cases.contract import UseCase

_PREDICTION_ID = re.compile(r"(?P<topic>[^/]+)/(?P<partition>\d+)/(?P<offset>\d+)/\w+")
Place = tuple[int, int]


@dataclass(frozen=True)
class Chapter:
    """A raw record and what became of it.

    Attributes:
        raw: the record; None when neither topic nor archive has it any more.
        place: its partition and offset.
        outcomes: feature rows, predictions and dead letters of it, in this order.
        redrives: redrives that wrote it, or wrote it back.
    """

    raw: Found | None
    place: Place
    outcomes: list[Found]
    redrives: list[Redrive]


@dataclass(frozen=True)
class Story:
    """All that is known of a record.

    Attributes:
        chapters: the record, and again each time it was sent or redriven.
        labels: what was said of its business id.
    """

    chapters: list[Chapter]
    labels: list[Found]


class Teller:
    """Tells the stories of one use case's records.

    Args:
        use_case: whose records.
        cluster: where its topics are.
        search: over its stages.
    """

    def __init__(self, use_case: UseCase, cluster: Cluster, search: Search) -> None:
        self._use_case = use_case
        self._cluster = cluster
        self._search = search

    def story(self, given: str) -> Story:
        """What is known of a business id or a prediction id; empty when nothing is."""
        by_place = _PREDICTION_ID.fullmatch(given)
        redrives = list(entries(read(self._cluster, f"{self._use_case.name}.{REDRIVES}")))
        if by_place and by_place["topic"] == self._topic(RAW):
            first = (int(by_place["partition"]), int(by_place["offset"]))
            places = self._related({first}, redrives)
            raw = list(self._search.places(RAW, places))
            ids = {found for record in raw if (found := self._business_id(record)) is not None}
        else:
            raw, ids = self._of_business_id(given), {given}
            places = self._related({_place(found) for found in raw}, redrives)
        outcomes = self._outcomes(places)
        at = {_place(found): found for found in raw}
        chapters = [
            Chapter(at.get(p), p, outcomes.get(p, []), self._redrives(p, redrives))
            for p in sorted(places)
        ]
        told = [chapter for chapter in chapters if chapter.raw or chapter.outcomes]
        return Story(told, [label for name in sorted(ids) for label in self._labels(name)])

    def _topic(self, stage: str) -> str:
        return f"{self._use_case.name}.{stage}"

    def _of_business_id(self, given: str) -> list[Found]:
        """Raw records with the id; of those that cannot be decoded, the ones that contain it."""
        pattern = rf"(^|[^0-9A-Za-z_]){re.escape(given)}([^0-9A-Za-z_]|$)"
        candidates = self._search.values(RAW, pattern)
        return [found for found in candidates if self._business_id(found) in (None, given)]

    def _business_id(self, found: Found) -> str | None:
        value = decoded(found)
        given = value.get(self._use_case.business_id) if isinstance(value, dict) else None
        return None if given is None else str(given)

    def _related(self, places: set[Place], redrives: list[Redrive]) -> set[Place]:
        """The places, and those that redrives connect them with."""
        found = set(places)
        grown = True
        while grown:
            grown = False
            for redrive in redrives:
                ends = {self._raw_place(redrive.source), self._raw_place(redrive.target)} - {None}
                connected = {end for end in ends if end is not None}
                if connected & found and not connected <= found:
                    found |= connected
                    grown = True
        return found

    def _raw_place(self, text: str) -> Place | None:
        topic, partition, offset = text.rsplit("/", 2)
        return (int(partition), int(offset)) if topic == self._topic(RAW) else None

    def _redrives(self, place: Place, redrives: list[Redrive]) -> list[Redrive]:
        return [r for r in redrives if place in map(self._raw_place, (r.source, r.target))]

    def _outcomes(self, places: set[Place]) -> dict[Place, list[Found]]:
        outcomes: dict[Place, list[Found]] = {}
        if not places:
            return outcomes
        offsets = "|".join(str(offset) for offset in sorted({offset for _, offset in places}))
        for stage in (FEATURES, PREDICTIONS, DEAD_LETTERS):
            for found in self._search.values(stage, rf'"source_offset":({offsets})[,}}]'):
                value = decoded(found)
                place = (value["source_partition"], value["source_offset"])
                if value.get("source_topic", self._topic(RAW)) == self._topic(RAW):
                    if place in places:
                        outcomes.setdefault(place, []).append(found)
        return outcomes

    def _labels(self, business_id: str) -> list[Found]:
        names = (self._use_case.business_id, "business_id")
        pattern = rf"(^|[^0-9A-Za-z_]){re.escape(business_id)}([^0-9A-Za-z_]|$)"
        return [
            found
            for found in self._search.values(LABELS, pattern)
            if isinstance(value := decoded(found), dict)
            and business_id in (str(value.get(name)) for name in names)
        ]


def decoded(found: Found) -> Any:
    """A record's value as JSON, None when it is not."""
    try:
        return json.loads(found.record.value or b"")
    except ValueError:
        return None


def _place(found: Found) -> Place:
    return found.record.partition, found.record.offset
