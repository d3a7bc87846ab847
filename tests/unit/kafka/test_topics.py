"""The declaration of a use case's topics."""

from millrace.kafka.topics import topics
from millrace.settings import KafkaSettings


def test_a_use_case_has_its_topics() -> None:
    found = {t.name: t.partitions for t in topics("fraud", KafkaSettings(partitions=3))}
    assert found == {
        "fraud.raw": 3,
        "fraud.features": 3,
        "fraud.predictions": 3,
        "fraud.dead-letters": 3,
        "fraud.labels": 3,
        "fraud.label-changes": 3,
        "fraud.duplicates": 3,
        "fraud.redrives": 1,
        "fraud.ingest-positions": 1,
        "fraud.control": 1,
    }


def test_what_replays_read_is_never_deleted_by_age() -> None:
    declared = topics("fraud", KafkaSettings(retention_ms=1000))
    kept = {t.name.partition(".")[2]: t.config["retention.ms"] for t in declared}
    assert kept == {
        "raw": "-1",
        "features": "1000",
        "predictions": "1000",
        "label-changes": "1000",
        "duplicates": "1000",
        "dead-letters": "1000",
        "labels": "-1",
        "redrives": "-1",
        "ingest-positions": "-1",
        "control": "-1",
    }


def test_topics_deleted_by_age_count_it_from_the_append() -> None:
    wrong = [
        t.name
        for t in topics("fraud", KafkaSettings())
        if t.config["retention.ms"] != "-1"
        and t.config["message.timestamp.type"] != "LogAppendTime"
    ]
    assert wrong == []


def test_control_and_positions_are_compacted() -> None:
    declared = topics("fraud", KafkaSettings())
    assert [t.name for t in declared if t.config["cleanup.policy"] == "compact"] == [
        "fraud.ingest-positions",
        "fraud.control",
    ]
