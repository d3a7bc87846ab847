"""History files: frames with blocks, and the watermarks behind them."""

import struct
from pathlib import Path

from millrace.archive.history import NO_WATERMARK, HistoryOptions, write_history
from tests.unit.archive.test_merged import FUTURE_MS, HOUR_MS, Event, archive_of, everything
from tests.unit.archive.writing import DAY_MS
from udfs.functions.blocks import RawBlock

LATENESS_MS = 1_000
Frame = tuple[int, int, RawBlock]
"""Stage, watermark, block."""


def frames(path: Path) -> list[Frame]:
    data, found, at = path.read_bytes(), [], 0
    while at < len(data):
        size, stage, watermark = struct.unpack_from("<iiq", data, at)
        found.append((stage, watermark, RawBlock.decode(data[at + 16 : at + 4 + size])))
        at += 4 + size
    return found


def history(tmp_path: Path, events: list[Event], holding: dict[str, frozenset[int]]) -> list[Frame]:
    archive, path = archive_of(tmp_path, events, checkpoint=3), tmp_path / "history"
    told: list[int] = []
    options = HistoryOptions(everything(events), holding, LATENESS_MS, FUTURE_MS)
    count = write_history(path, archive, options, told.append)
    found = frames(path)
    assert (count, told[-1]) == (len(found), len(events))
    return found


def test_blocks_hold_bytes_and_places_of_the_records(tmp_path: Path) -> None:
    events = [("raw", n % 2, n // 2, DAY_MS + n) for n in range(12)]
    found = [block for stage, _, block in history(tmp_path, events, {}) if stage]
    rows = [
        row
        for block in found
        for row in zip(
            block.partitions.tolist(),
            block.offsets.tolist(),
            block.timestamps_ms.tolist(),
            block.keys,
            block.values,
            strict=True,
        )
    ]
    values = [None if offset % 5 == 0 else b"%d" % offset for offset in range(6)]
    assert rows == [(n % 2, n // 2, DAY_MS + n, b"k", values[n // 2]) for n in range(12)]


def test_watermarks_follow_the_slots_for_all_stages(tmp_path: Path) -> None:
    events = [("raw", n % 2, n // 2, DAY_MS + n * HOUR_MS) for n in range(6)]
    found = history(tmp_path, events, {})
    due = [DAY_MS + n * HOUR_MS - LATENESS_MS - 1 for n in range(6)]
    assert [(stage, mark) for stage, mark, _ in found] == [(s, t) for t in due for s in (0, 1)]


def test_watermarks_do_not_pass_partitions_that_go_on_in_kafka(tmp_path: Path) -> None:
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (1, 3)]
    events = [("raw", *place, DAY_MS + n * HOUR_MS) for n, place in enumerate(places)]
    found = history(tmp_path, events, {"raw": frozenset({0, 1})})
    raw = [mark for stage, mark, _ in found if stage]
    last = DAY_MS + HOUR_MS - LATENESS_MS - 1
    # Partition 1 is not heard in the first slots, partition 0 ends with the second record.
    assert raw == [NO_WATERMARK, NO_WATERMARK, last, last, last, last]
