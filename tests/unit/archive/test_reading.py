"""Listing and reading of archives, without Flink."""

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from millrace.archive import SCHEMA, Archive, Span, files, open_archive, read
from millrace.archive.compaction import compact
from millrace.archive.layout import HEADERS
from millrace.archive.listing import REPLACES_KEY
from millrace.archive.records import records
from tests.unit.archive.writing import DAY, DAY_MS, put
from udfs.errors import ConfigurationError, DataError


def rows(archive: Archive, stage: str = "raw") -> list[tuple[int, int]]:
    return [
        (row["partition"], row["offset"])
        for batch in read(archive, stage, columns=["partition", "offset"])
        for row in batch.to_pylist()
    ]


def test_rows_come_by_date_with_the_schema_that_is_published(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "fraud")
    put(archive, "b.parquet", [(0, 5)], day=date(2025, 8, 1))
    put(archive, "a.parquet", [(0, 3), (1, 0)])
    (first, second) = read(archive, "raw")
    assert first.schema.remove_metadata() == SCHEMA
    assert (first.num_rows, second.to_pylist()) == (
        2,
        [
            {
                "partition": 0,
                "offset": 5,
                "timestamp_ms": DAY_MS + 5,
                "key": b"0",
                "value": b"value 0/5",
                "headers": None,
            }
        ],
    )


def test_dates_are_chosen_from_since_to_before_until(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "fraud")
    days = [date(2025, 7, 30), DAY, date(2025, 8, 1)]
    for offset, day in enumerate(days):
        put(archive, "a.parquet", [(0, offset)], day=day)
    assert archive.dates("raw", since=DAY, until=date(2025, 8, 1)) == [DAY]
    assert archive.dates("raw") == days


@pytest.mark.parametrize("name", [".part-1.parquet.inprogress.1", "_temporary.parquet", "x.crc"])
def test_what_is_not_committed_is_not_seen(tmp_path: Path, name: str) -> None:
    archive = Archive(tmp_path, "fraud")
    put(archive, "a.parquet", [(0, 1)])
    (archive.folder("raw", DAY) / name).write_bytes(b"half a file")
    assert rows(archive) == [(0, 1)]


def test_files_that_a_compacted_one_replaces_do_not_count(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "fraud")
    put(archive, "a.parquet", [(0, 1)])
    put(archive, "b.parquet", [(0, 2)])
    merged = put(archive, "c.parquet", [(0, 1), (0, 2)])
    note = {REPLACES_KEY: json.dumps(["a.parquet", "b.parquet"])}
    pq.write_table(pq.read_table(merged, partitioning=None).replace_schema_metadata(note), merged)
    assert rows(archive) == [(0, 1), (0, 2)]


def test_offsets_of_a_file_come_from_its_rows_when_its_footer_has_none(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "fraud")
    put(archive, "a.parquet", [(1, 7), (0, 3), (1, 9)])
    (found,) = files(archive, "raw", DAY)
    assert (found.rows, found.spans) == (3, {0: Span(3, 3, 1), 1: Span(7, 9, 2)})


def test_a_missing_archive_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="millrace run archive --use-case fraud"):
        open_archive(tmp_path, "fraud")


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "fraud")
    put(archive, "a.parquet", [(0, 1)]).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"a\.parquet is no Parquet file"):
        files(archive, "raw", DAY)


def test_reading_takes_batches(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "fraud")
    put(archive, "a.parquet", [(0, offset) for offset in range(10)])
    batches = list(read(archive, "raw", batch_rows=4))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    assert pa.Table.from_batches(batches)["offset"].to_pylist() == list(range(10))


def test_headers_are_read_where_a_file_has_them_and_are_none_in_older_files(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "fraud")
    put(archive, "a.parquet", [(0, 1)])
    newer = put(archive, "b.parquet", [(0, 2), (0, 3)])
    told = [[{"key": "of", "value": b"x"}, {"key": "of", "value": None}], None]
    table = pq.read_table(newer, partitioning=None)
    column = pa.array(told, SCHEMA.field(HEADERS).type)
    pq.write_table(table.append_column(SCHEMA.field(HEADERS), column), newer)
    expected = [(1, ()), (2, (("of", b"x"), ("of", None))), (3, ())]

    def headers() -> list[tuple[int, object]]:
        found = (r for batch in read(archive, "raw") for r in records("fraud.raw", batch))
        return [(record.offset, record.headers) for record in found]

    assert headers() == expected
    assert [done.after for done in compact(archive, "raw")] == [1]
    assert headers() == expected
