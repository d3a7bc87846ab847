"""`millrace inspect` over real topics and an archive: the whole story, from either id."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer

from millrace.archive import Archive
from millrace.dead_letters.ledger import Redrive
from millrace.inspection.searching import Search
from millrace.inspection.story import Story, Teller
from millrace.kafka.cluster import Cluster
from millrace.kafka.topics import apply
from millrace.settings import KafkaSettings, Settings
from tests.unit.archive.writing import put
from udfs.records import DeadLetter, Reason
from udfs.use_cases.fraud import FRAUD

CASE = replace(FRAUD, name="inspected")
GOOD = {"transaction_id": 17, "customer_id": 4, "terminal_id": 5, "amount_cents": 6}
NEAR = {**GOOD, "transaction_id": 170}
BROKEN = b'{"transaction_id": 99, "customer_id"'


@pytest.fixture(scope="module")
def kafka(bootstrap_servers: str) -> Cluster:
    """Two records with their outcomes, and one that was refused, redriven and refused again."""
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=bootstrap_servers, partitions=1))
    apply(settings, CASE.name)
    producer = Producer({"bootstrap.servers": bootstrap_servers})

    def send(stage: str, value: Any) -> None:
        content = value if isinstance(value, bytes) else msgspec.json.encode(value)
        producer.produce(f"inspected.{stage}", content, partition=0)

    for raw in (GOOD, NEAR, BROKEN, BROKEN):
        send("raw", raw)
    for offset in (0, 1):
        source = {"source_partition": 0, "source_offset": offset}
        send("features", {"sequence": offset + 1, **source})
        send("predictions", {"prediction_id": f"inspected.raw/0/{offset}/answer", **source})
    for offset in (2, 3):
        letter = DeadLetter(
            Reason.NOT_JSON, "clean", "x", "inspected.raw", 0, offset, 0, None, BROKEN
        )
        send("dead-letters", letter)
    send("labels", {"transaction_id": 17, "is_fraud": True})
    send("labels", {"transaction_id": 170, "is_fraud": False})
    places = ("inspected.dead-letters/0/0", "inspected.raw/0/2", "inspected.raw/0/2")
    send("redrives", Redrive(*places, 1, "inspected.raw/0/3", 0))
    assert producer.flush(30) == 0
    return Cluster(bootstrap_servers)


def told(kafka: Cluster, given: str, archive: Archive | None = None) -> Story:
    return Teller(CASE, kafka, Search(kafka, CASE.name, archive)).story(given)


def summary(story: Story) -> list[tuple[int, bool, list[str], int]]:
    return [
        (
            chapter.place[1],
            chapter.raw is not None,
            [found.record.topic.rpartition(".")[2] for found in chapter.outcomes],
            len(chapter.redrives),
        )
        for chapter in story.chapters
    ]


@pytest.mark.parametrize("given", ["17", "inspected.raw/0/0/answer"])
def test_both_ids_tell_the_record_its_outcomes_and_its_label(kafka: Cluster, given: str) -> None:
    story = told(kafka, given)
    assert summary(story) == [(0, True, ["features", "predictions"], 0)]
    assert [json.loads(label.record.value or b"") for label in story.labels] == [
        {"transaction_id": 17, "is_fraud": True}
    ]


@pytest.mark.parametrize("given", ["99", "inspected.raw/0/2/answer", "inspected.raw/0/3/answer"])
def test_a_redriven_record_is_told_with_both_its_places(kafka: Cluster, given: str) -> None:
    expected = [(2, True, ["dead-letters"], 1), (3, True, ["dead-letters"], 1)]
    assert summary(told(kafka, given)) == expected


def test_nothing_is_told_of_an_unknown_id(kafka: Cluster) -> None:
    assert told(kafka, "1") == told(kafka, "other.raw/0/0/answer") == Story([], [])


def test_what_is_archived_is_found_there_and_the_rest_in_the_topic(
    kafka: Cluster, tmp_path: Path
) -> None:
    archive = Archive(tmp_path, CASE.name)
    put(archive, "a.parquet", [(0, 0)], values=[msgspec.json.encode(GOOD)])
    (first,) = told(kafka, "17", archive).chapters
    (second,) = told(kafka, "170", archive).chapters
    assert first.raw is not None and second.raw is not None
    assert (first.raw.where, second.raw.where) == ("archive", "topic")
    assert [found.where for found in first.outcomes] == ["topic", "topic"]
