"""Archive to data set: what was known at a time, and nothing else.

Records come in the order (event time, source position), labels before records of their time, as
in a job in the order of watermarks; the features agree with such a job's in every bit.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from millrace.archive import open_archive
from millrace.kafka.topics import LABELS, RAW
from training.archived.ahead import ahead
from training.archived.cleaned import Stage, end_of
from training.archived.history import OFFSET, PARTITION, History, Table, joined, reach_ms
from training.archived.labels import KnownLabels, known_labels
from training.dataset import Dataset
from training.progress import OnProgress, silent
from udfs.errors import DataError, UseCaseError
from udfs.use_cases.contract import UseCase
from udfs.use_cases.label_records import label_case
from udfs.use_cases.milliseconds import milliseconds

_DAY_MS = 86_400_000
_CHUNK_RECORDS = 200_000
_BATCHES_AHEAD = 64
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class ArchiveSource:
    """Records and labels of an archive, as they were known at a time.

    Attributes:
        root: folder of all archives.
        as_of: what became known later is left out.
        days: how many days of rows at the end of what is labelled; None: all.
        max_clock_skew_ms: as in the job.
    """

    root: Path
    as_of: datetime
    days: int | None = None
    max_clock_skew_ms: int = 3_600_000

    @property
    def as_of_ms(self) -> int:
        """As-of in UTC milliseconds."""
        return round(self.as_of.timestamp() * 1_000)

    @property
    def description(self) -> str:
        """How to make the data set again, for the manifest."""
        return f"archive as of {self.as_of.strftime('%Y-%m-%dT%H:%M:%SZ')}"

    def dataset(self, use_case: UseCase, on_progress: OnProgress = silent) -> Dataset:
        """The rows whose labels are known, in the order of event time.

        Memory: the rows, 24 bytes a label, the records in the longest window twice, and the
        batches that are read ahead.

        Raises:
            ConfigurationError: there is no archive.
            UseCaseError: the use case has no label feed, or folds that are no windows.
            DataError: no row has a label that was known.
        """
        if use_case.labels is None:
            raise UseCaseError(
                f"use case {use_case.name!r} has no feed of labels, so an archive cannot tell "
                "them: declare one (`labels`), or train without --archive on what it generates"
            )
        archive = open_archive(self.root, use_case.name)
        raw = Stage(archive, RAW, use_case, self.max_clock_skew_ms, self.as_of_ms)
        since_ms = self._since_ms(use_case)
        read_since_ms = max(since_ms - reach_ms(use_case), 0)
        labels = known_labels(
            replace(raw, name=LABELS, use_case=label_case(use_case)),
            since_ms=read_since_ms,
            business_id=use_case.business_id,
            again=use_case.labels.again,
            on_progress=on_progress,
        )
        parts = []
        history = History(use_case, labels)
        for chunk in _chunks(raw, read_since_ms, history, on_progress):
            rows = _rows(use_case, history, chunk)
            parts.append(rows[int(np.searchsorted(rows.times_ms, since_ms)) :])
        if not parts:
            raise DataError(f"the archive {archive.path} has no records as of {self.as_of}")
        return labelled(use_case, Dataset.joined(parts), labels, self.as_of_ms)

    def _since_ms(self, use_case: UseCase) -> int:
        """From what event time on there are rows: `days` before all labels can be known."""
        if self.days is None or use_case.labels is None:
            return 0
        silent_for = max(use_case.labels.horizon, use_case.label_delay)
        end_ms = self.as_of_ms - milliseconds(silent_for)
        return max(end_ms - end_ms % _DAY_MS - self.days * _DAY_MS, 0)


def labelled(use_case: UseCase, rows: Dataset, labels: KnownLabels, as_of_ms: int) -> Dataset:
    """The rows with their labels, up to the UTC day in which the first undecided one lies.

    A record is decided by a label, or by silence up to the horizon where silence means negative.
    What comes after the first undecided record is left out, labels or not: where frauds are told
    before anything else is, the newest days would be full of them.

    Raises:
        DataError: nothing is left.
    """
    assert use_case.labels is not None
    values, told = labels.of(rows.business_ids)
    decided = told | (rows.times_ms + milliseconds(use_case.labels.horizon) <= as_of_ms)
    end_ms = as_of_ms - milliseconds(use_case.label_delay) + 1
    if use_case.labels.silence == "negative":
        undecided = rows.times_ms[~decided]
        end_ms = min(end_ms, int(undecided.min())) if len(undecided) else end_ms
        keep = rows.times_ms < end_ms - end_ms % _DAY_MS
    else:
        keep = told & (rows.times_ms < end_ms - end_ms % _DAY_MS)
    if not keep.any():
        raise DataError(
            f"no record has a label that was known at {as_of_ms}: {len(rows):,} records and "
            f"{len(labels.business_ids):,} labels were there by then"
        )
    found = replace(rows, labels=values.astype(use_case.label_dtype))
    count = np.count_nonzero(keep)
    return found[:count] if keep[:count].all() else found[keep]  # a slice copies nothing


def _chunks(
    raw: Stage, since_ms: int, history: History, on_progress: OnProgress
) -> Iterator[Table]:
    """The records in chunks that go on in event time, each at least as long as the history.

    What a later date may still precede, being late, waits for it.
    """
    lateness_ms = milliseconds(raw.use_case.allowed_lateness)
    days = raw.days(since_ms)
    waiting: list[Table] = []
    done = 0
    for part in ahead(_parts(raw, days), _BATCHES_AHEAD):
        if not isinstance(part, date):
            waiting.append(part)
            continue
        done += 1
        on_progress("days of records", done, len(days))
        if sum(len(table[PARTITION]) for table in waiting) >= max(_CHUNK_RECORDS, len(history)):
            chunk, later = _split(raw.use_case, waiting, end_of(part) - lateness_ms)
            waiting = [later]
            yield chunk
    if any(len(table[PARTITION]) for table in waiting):
        yield _split(raw.use_case, waiting, None)[0]


def _parts(raw: Stage, days: Sequence[date]) -> Generator[Table | date, None, None]:
    """The records of dates in batches; the date itself comes behind its last one."""
    for day in days:
        for found in raw.of(day):
            yield {**found.columns, PARTITION: found.partitions, OFFSET: found.offsets}
        yield day


def _split(use_case: UseCase, parts: list[Table], before_ms: int | None) -> tuple[Table, Table]:
    """The records in order, those before a time and the others."""
    table = joined(parts)
    times = table[use_case.event_time]
    order = np.lexsort((table[OFFSET], table[PARTITION], times))
    table = {field: column[order] for field, column in table.items()}
    cut = len(order) if before_ms is None else int(np.searchsorted(times[order], before_ms))
    first = {field: column[:cut] for field, column in table.items()}
    return first, {field: column[cut:] for field, column in table.items()}


def _rows(use_case: UseCase, history: History, chunk: Table) -> Dataset:
    """Feature rows of a chunk; labels are still to be told."""
    nothing: NDArray[np.int64] = np.zeros(len(chunk[PARTITION]), np.int64)
    return Dataset(
        use_case.assemble(chunk, history.update(chunk)),
        nothing,
        chunk[use_case.business_id],
        chunk[use_case.entity_key],
        chunk[use_case.event_time],
    )
