"""Archived records as they would come from Kafka: by offset in a partition, by time over all."""

from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.archive import PLAIN_SCHEMA, Archive
from millrace.archive.compaction import compact
from millrace.archive.layout import date_of
from millrace.archive.merged import SLOT_MS, SLOT_RECORDS, Ranges, Slot, merged
from tests.unit.archive.writing import DAY_MS

HOUR_MS = 3_600_000
FUTURE_MS = DAY_MS + 10_000 * HOUR_MS
Event = tuple[str, int, int, int]
"""Stage, partition, offset, Kafka time."""


def archive_of(tmp_path: Path, events: list[Event], *, checkpoint: int) -> Archive:
    """The events in files as the job leaves them: one a stage, date and checkpoint."""
    archive = Archive(tmp_path, "fraud")
    for begin in range(0, len(events), checkpoint):
        files = defaultdict(list)
        for event in events[begin : begin + checkpoint]:
            files[event[0], date_of(event[3])].append(event[1:])
        for (stage, day), rows in files.items():
            write(archive, stage, day, f"part-{begin}.parquet", rows)
    return archive


def write(
    archive: Archive, stage: str, day: date, name: str, rows: list[tuple[int, int, int]]
) -> None:
    folder = archive.folder(stage, day)
    folder.mkdir(parents=True, exist_ok=True)
    partitions, offsets, times = zip(*rows, strict=True)
    values = [None if offset % 5 == 0 else b"%d" % offset for offset in offsets]
    columns = [partitions, offsets, times, [b"k"] * len(rows), values]
    pq.write_table(pa.table(columns, schema=PLAIN_SCHEMA), folder / name)


def events(count: int) -> list[Event]:
    """Records of two stages with three partitions each, in order of arrival over ten days.

    Some are late, some were redriven after days with their old times, one is far in the future.
    """
    draw = np.random.default_rng(5)
    times = DAY_MS + np.sort(draw.integers(240 * HOUR_MS, size=count))
    times = times - np.where(draw.random(count) < 0.1, draw.integers(2 * HOUR_MS, size=count), 0)
    times[count // 2 :: 50] -= 100 * HOUR_MS
    times[count // 3] = FUTURE_MS
    found: list[Event] = []
    ends: dict[tuple[str, int], int] = defaultdict(int)
    for time in times.tolist():
        place = ("raw", "labels")[int(draw.random() < 0.2)], int(draw.integers(3))
        found.append((*place, ends[place], time))
        ends[place] += 1
    return found


def everything(found: list[Event]) -> Ranges:
    ends: dict[str, dict[int, int]] = {"labels": {}, "raw": {}}
    for stage, partition, offset, _ in found:
        ends[stage][partition] = offset + 1
    return {stage: (dict.fromkeys(end, 0), end) for stage, end in ends.items()}


def read(slots: list[Slot]) -> list[Event]:
    return [
        (stage, row["partition"], row["offset"], row["timestamp_ms"])
        for slot in slots
        for stage, table in slot.records.items()
        for row in table.to_pylist()
    ]


@pytest.mark.parametrize("checkpoint", [7, 400, 10_000])
@pytest.mark.parametrize("compacted", [False, True])
def test_each_partition_comes_in_the_order_of_its_offsets_and_none_is_ahead_of_another(
    tmp_path: Path, checkpoint: int, compacted: bool
) -> None:
    written = events(2_000)
    archive = archive_of(tmp_path, written, checkpoint=checkpoint)
    if compacted:
        for stage in ("raw", "labels"):
            list(compact(archive, stage))
    slots = list(merged(archive, everything(written), FUTURE_MS - 1))
    found = read(slots)
    assert sorted(found) == sorted(written)
    for stream in {event[:2] for event in written}:
        offsets = [event[2] for event in found if event[:2] == stream]
        assert offsets == sorted(offsets)
    # A partition's clock is its newest time so far: within a slot of all others, at any moment.
    clocks: dict[tuple[str, int], int] = {}
    for slot in slots:
        for stage, partition, _, time in read([slot]):
            if time < FUTURE_MS:
                clocks[stage, partition] = max(time, clocks.get((stage, partition), 0))
        assert max(clocks.values()) == slot.until_ms
    assert [slot.until_ms for slot in slots] == sorted(slot.until_ms for slot in slots)


def test_a_slot_holds_an_hour_of_new_times_at_most_and_labels_before_records(
    tmp_path: Path,
) -> None:
    written = events(2_000)
    archive = archive_of(tmp_path, written, checkpoint=500)
    clocks: dict[tuple[str, int], int] = {}
    for slot in merged(archive, everything(written), FUTURE_MS - 1):
        assert list(slot.records) == ["labels", "raw"]
        for stage, partition, _, time in read([slot]):
            if clocks.get((stage, partition), 0) < time < FUTURE_MS:
                assert slot.until_ms - SLOT_MS < time <= slot.until_ms
                clocks[stage, partition] = time


def test_only_offsets_inside_the_ranges_are_read_bytes_and_nulls_as_they_were(
    tmp_path: Path,
) -> None:
    written = [("raw", 0, n, DAY_MS + n) for n in range(20)]
    archive = archive_of(tmp_path, written, checkpoint=6)
    slots = list(merged(archive, {"raw": ({0: 4, 1: 0}, {0: 8, 1: 0})}, FUTURE_MS))
    rows = [row for slot in slots for row in slot.records["raw"].to_pylist()]
    assert [(row["offset"], row["key"], row["value"]) for row in rows] == [
        (4, b"k", b"4"),
        (5, b"k", None),
        (6, b"k", b"6"),
        (7, b"k", b"7"),
    ]


def test_an_empty_archive_has_no_slots(tmp_path: Path) -> None:
    assert not list(merged(Archive(tmp_path, "fraud"), {"raw": ({0: 0}, {0: 0})}, FUTURE_MS))


def test_records_an_hour_apart_come_in_slots_of_their_own(tmp_path: Path) -> None:
    written = [("raw", n % 2, n // 2, DAY_MS + n * HOUR_MS) for n in range(100)]
    archive = archive_of(tmp_path, written, checkpoint=30)
    slots = list(merged(archive, everything(written), FUTURE_MS))
    assert [slot.until_ms for slot in slots] == [time for *_, time in written]


def test_a_slot_is_full_at_some_number_of_records(tmp_path: Path) -> None:
    written = [("raw", 0, n, DAY_MS + n) for n in range(SLOT_RECORDS + 5)]
    archive = archive_of(tmp_path, written, checkpoint=len(written))
    slots = merged(archive, everything(written), FUTURE_MS)
    assert [len(slot.records["raw"]) for slot in slots] == [SLOT_RECORDS, 5]
