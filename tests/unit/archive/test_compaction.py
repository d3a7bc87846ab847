"""Compaction: every row exactly once for a reader, whatever happens in the middle."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from millrace.archive import Archive, files, read
from millrace.archive.compaction import Compacted, compact
from millrace.archive.listing import locked
from tests.unit.archive.test_reading import rows
from tests.unit.archive.writing import DAY, put
from udfs.errors import UnavailableError

FOREVER = """
from pathlib import Path
from millrace.archive import Archive
from millrace.archive.compaction import compact
print("compacting", flush=True)
list(compact(Archive(Path({root!r}), "fraud"), "raw", target_bytes=20_000, patience_s=0))
"""


def small_files(tmp_path: Path, count: int = 4) -> Archive:
    """Files of two partitions, three rows each, as checkpoints leave them."""
    archive = Archive(tmp_path, "fraud")
    for n in range(count):
        # The names say nothing about the order.
        put(archive, f"part-{-n % count}.parquet", [(0, 2 * n), (1, n), (0, 2 * n + 1)])
    return archive


def names(archive: Archive) -> list[str]:
    return sorted(path.name for path in archive.folder("raw", DAY).iterdir())


def test_small_files_become_one_with_the_same_rows_in_the_order_of_their_offsets(
    tmp_path: Path,
) -> None:
    archive = small_files(tmp_path)
    before = sorted(row for batch in read(archive, "raw") for row in map(repr, batch.to_pylist()))
    assert list(compact(archive, "raw")) == [Compacted("raw", DAY, 4, 1, 12, 0)]
    after = [row for batch in read(archive, "raw") for row in batch.to_pylist()]
    assert sorted(map(repr, after)) == before
    assert [row["offset"] for row in after if row["partition"] == 0] == list(range(8))
    assert len(names(archive)) == 1


def test_a_second_compaction_has_nothing_to_do(tmp_path: Path) -> None:
    archive = small_files(tmp_path)
    list(compact(archive, "raw"))
    before = names(archive)
    assert (list(compact(archive, "raw")), names(archive)) == ([], before)


def test_merged_files_stop_at_the_target_size(tmp_path: Path) -> None:
    archive = small_files(tmp_path)
    size = files(archive, "raw", DAY)[0].size
    assert [done.after for done in compact(archive, "raw", target_bytes=2 * size + 100)] == [2]
    assert len(rows(archive)) == 12


def test_a_reader_in_the_middle_of_a_date_sees_each_row_once(tmp_path: Path) -> None:
    archive = small_files(tmp_path)
    reader = read(archive, "raw", columns=["partition", "offset"])
    seen = [next(reader)]
    assert [done.waiting for done in compact(archive, "raw", patience_s=0)] == [4]
    seen += list(reader)
    assert sorted(len(batch) for batch in seen) == [3, 3, 3, 3]
    assert sorted(rows(archive)) == [(p, o) for p in (0, 1) for o in range(8 if p == 0 else 4)]
    # Now that nobody reads, the next run removes what the first had to leave.
    assert [(d.before, d.after, d.waiting) for d in compact(archive, "raw")] == [(1, 1, 0)]
    assert len(names(archive)) == 1


def test_the_same_offsets_twice_are_left_as_they_are_for_verify_to_find(tmp_path: Path) -> None:
    archive = Archive(tmp_path, "fraud")
    put(archive, "a.parquet", [(0, 1), (0, 2)])
    put(archive, "b.parquet", [(0, 2), (0, 3)])
    assert (list(compact(archive, "raw")), names(archive)) == ([], ["a.parquet", "b.parquet"])


def test_two_compactions_of_a_stage_do_not_meet(tmp_path: Path) -> None:
    archive = small_files(tmp_path)
    with locked(archive.path / "raw", fcntl.LOCK_EX):
        with pytest.raises(UnavailableError, match=r"another compaction of .*raw is under way"):
            list(compact(archive, "raw"))


def test_a_compaction_killed_at_any_moment_leaves_every_row_exactly_once(tmp_path: Path) -> None:
    archive = small_files(tmp_path, 120)
    expected = sorted(rows(archive))
    left = 0
    for delay in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", FOREVER.format(root=str(tmp_path))], stdout=subprocess.PIPE
        )
        assert process.stdout and process.stdout.readline() == b"compacting\n"
        try:
            process.wait(0.008 * delay)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            left += 1
        process.wait()
        process.stdout.close()
        assert sorted(rows(archive)) == expected
    assert left > 0, "no compaction was killed"
    list(compact(archive, "raw"))
    assert (sorted(rows(archive)), len(names(archive))) == (expected, 1)
