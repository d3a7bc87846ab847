"""Sensor windows through a real broker and a real mini-cluster: the stream's are training's."""

from pathlib import Path

import msgspec

from tests.integration.scoring import Kafka, options, run
from training.dataset import build
from udfs.use_cases.maintenance import MAINTENANCE

START_MS, SPAN_MS = 1_750_000_000_000, 3_600_000


def test_streamed_sensor_windows_equal_those_of_training_bit_for_bit(
    kafka: Kafka, state: Path
) -> None:
    made = list(MAINTENANCE.generate(3, START_MS, 4_000, SPAN_MS))
    kafka.send_raw(
        (b"%d" % reading.unit_id, msgspec.json.encode(reading), reading.event_time_ms)
        for reading, _ in made
    )
    run(options(kafka, state, use_case="maintenance", parallelism=2, shards=4))
    data = build(MAINTENANCE, made)
    expected = dict(zip(data.business_ids.tolist(), data.features.tolist(), strict=True))
    found = kafka.features()
    assert len(found) == len(expected) == 4_000
    assert {row.business_id: row.features for row in found} == expected
