"""`millrace skew` on rows that a real job wrote: equal bits, and a planted one is found."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from jobs.score import ON_ARRIVAL, ON_WATERMARK
from millrace.archive.stages import TopicStages
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import Offsets, Record
from millrace.skew.comparison import How, Skew, skew
from tests.integration.scoring import Kafka, options, run, transactions
from udfs.errors import ConfigurationError
from udfs.use_cases.fraud import FRAUD, FraudLabel
from udfs.use_cases.milliseconds import milliseconds

SHARDS = 4
RECORDS = 1_500
PLANTED = range(700, 710)


class Planted(TopicStages):
    """The topics, with one number of some feature rows off by its last bit."""

    def read(
        self, stage: str, start: Offsets | None = None, end: Offsets | None = None
    ) -> Iterator[Record]:
        """Records of a topic."""
        for number, record in enumerate(super().read(stage, start, end)):
            if stage == "features" and number in PLANTED:
                row = msgspec.json.decode(record.value or b"")
                row["features"][0] = float(np.nextafter(row["features"][0], 1e9))
                record = replace(record, value=msgspec.json.encode(row))  # noqa: PLW2901
            yield record


def scored(kafka: Kafka, state: Path, order: str) -> None:
    """Runs the job over transactions, some late, and labels of which some are taken back."""
    records = transactions(RECORDS)
    delay_ms = milliseconds(FRAUD.label_delay)
    kafka.send_labels(
        [FraudLabel(r.transaction_id, True, r.event_time_ms + delay_ms) for r in records[::3]]
        + [
            FraudLabel(r.transaction_id, False, r.event_time_ms + 2 * delay_ms)
            for r in records[::9]
        ]
    )
    draw = np.random.default_rng(11)
    places = np.argsort(np.arange(RECORDS) + draw.integers(0, 3, RECORDS)).tolist()
    kafka.send([records[place] for place in places])
    run(options(kafka, state, use_case="fraud", order=order, shards=SHARDS, parallelism=2))


def found(kafka: Kafka, stages: TopicStages, order: str) -> Skew:
    case = replace(FRAUD, name=kafka.name)
    return skew(stages, case, How(sample=RECORDS, seed=1, shards=SHARDS, order=order))


@pytest.mark.parametrize("order", [ON_WATERMARK, ON_ARRIVAL])
def test_rows_of_a_job_are_equal_and_a_planted_bit_is_found(
    kafka: Kafka, state: Path, order: str
) -> None:
    scored(kafka, state, order)
    cluster = Cluster(kafka.bootstrap_servers)
    right = found(kafka, TopicStages(cluster, kafka.name), order)
    assert (right.differences, right.equal, right.holds) == ([], right.compared, True)
    # While a job catches up its partitions are weeks apart, and some terminals' order is lost.
    assert right.compared == RECORDS if order == ON_WATERMARK else right.compared > RECORDS // 2
    wrong = found(kafka, Planted(cluster, kafka.name), order)
    assert not wrong.holds
    assert 0 < wrong.compared - wrong.equal <= len(PLANTED)
    assert {one.name for one in wrong.differences} == {FRAUD.spec.names[0]}


def test_without_feature_rows_the_setting_is_named(kafka: Kafka) -> None:
    stages = TopicStages(Cluster(kafka.bootstrap_servers), kafka.name)
    with pytest.raises(ConfigurationError, match=r"score\.features_topic = true writes them"):
        found(kafka, stages, ON_WATERMARK)
