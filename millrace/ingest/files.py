"""Brings files into the raw topic, each record once, also over restarts and crashes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO

import msgspec

from millrace.ingest.entries import Entry
from millrace.ingest.listing import Found, Listing
from millrace.ingest.positions import Position, begins_with
from millrace.ingest.progress import Ingested
from millrace.ingest.reading import Reading
from millrace.ingest.renames import moves
from millrace.ingest.transactions import Transactions, marks
from udfs.errors import ConfigurationError, DataError
from udfs.use_cases.contract import UseCase

_KIND = "file"
_POLL_S = 0.5
_TELL_EVERY = 4_096
_BATCH_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Options:
    """How files are ingested.

    Attributes:
        delimiter: between cells of CSV.
        follow: go on with what is appended and added, until stopped.
        batch_records: most records of a transaction.
    """

    delimiter: str = ","
    follow: bool = False
    batch_records: int = 50_000


class FileIngest:
    """Ingests files under one source.

    Args:
        use_case: whose records they are.
        listing: of the files.
        to: transactions of the source.
        options: how.
        stop: set to end it in order.
        on_progress: told what is done, now and then.
        on_event: told in a sentence what people should know.
    """

    def __init__(
        self,
        use_case: UseCase,
        listing: Listing,
        to: Transactions,
        options: Options,
        *,
        stop: Event,
        on_progress: Callable[[Ingested], None] = lambda done: None,
        on_event: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._use_case, self._listing, self._to, self._options = use_case, listing, to, options
        self._stop, self._on_progress, self._on_event = stop, on_progress, on_event
        self._known: dict[str, Position] = {}
        self._pending: dict[str, Position] = {}
        self._seen: dict[Path, Found] = {}
        self.done = Ingested()

    def run(self) -> Ingested:
        """Ingests what there is and, when it follows, what comes, until it is stopped.

        Raises:
            ConfigurationError: a file is missing, unreadable, or of an unknown format.
            DataError: a file is not what it was, or holds a record that is too long.
            Fenced: another ingest of the source began.
            UnavailableError: the broker went away.
        """
        found = marks(self._to.source, _KIND, Position)
        self._known = {position.path: position for position in found.values()}
        self._round()
        # After renamed files were recognised, which are not gone.
        self._note_gone()
        while self._options.follow and not self._stop.wait(_POLL_S):
            self._round()
        self.done.interrupted = self._stop.is_set()
        return self.done

    def _round(self) -> None:
        """Ingests what changed since the last round."""
        listed = self._listing()
        changed = [file for file in listed if self._seen.get(file.path) != file]
        self._settle([file.path for file in changed])
        self._require_read({file.path for file in listed})
        self.done.total_bytes += sum(file.size - self._offset(file.path) for file in changed)
        try:
            for file in changed:
                if self._stop.is_set():
                    break
                self._open(file)
        except DataError:
            # What stands before the faulty place is sound, and counts.
            self._commit()
            raise
        self._commit()

    def _settle(self, paths: list[Path]) -> None:
        """Lets the positions of renamed files follow them."""
        found = moves(paths, self._known)
        for position in found.values():
            del self._known[position.path]
            self._to.mark(_KIND, position.path, None)
        for path, position in found.items():
            self._known[path] = msgspec.structs.replace(position, path=path)
            self._to.mark(_KIND, path, self._known[path])
            self._on_event(f"{position.path} is now {path} and goes on at byte {position.offset:,}")
        self._to.commit()
        self.done.renamed += len(found)

    def _open(self, found: Found) -> None:
        try:
            with found.path.open("rb", buffering=1 << 20) as file:
                known = self._known.get(str(found.path))
                if known is None or begins_with(file.fileno(), known.content):
                    self._read(found, file, known)
                    return
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ConfigurationError(f"cannot read {found.path}: {error.strerror}") from error
        # While following, a file that was rotated just now is recognised in the next round.
        if not self._options.follow:
            raise DataError(f"{found.path} was taken away or replaced before it was read")

    def _read(self, found: Found, file: BinaryIO, known: Position | None) -> None:
        """Sends the entries of a file, and commits whenever there are many."""
        reading = Reading(
            self._use_case,
            found,
            file,
            known,
            delimiter=self._options.delimiter,
            last_counts=not found.listed and not self._options.follow,
        )
        begun, before = reading.end, self.done.bytes
        try:
            for entry in reading:
                self._send(found.path, entry, reading.end)
                if self._full():
                    self._pending[reading.path] = reading.position()
                    self._commit()
                    self.done.bytes = before + reading.end - begun
                    if self._stop.is_set():
                        return
        finally:
            # Blank lines tell no file from another.
            if reading.end > begun and reading.records:
                self._pending[reading.path] = reading.position()
                self.done.files.add(found.path)
            self.done.bytes = before + reading.end - begun
            self.done.blank += reading.blank
        self._seen[found.path] = found
        self._note_rest(found.path, reading.rest())

    def _send(self, path: Path, entry: Entry, end: int) -> None:
        self._to.send(entry.key, entry.value, entry.event_time_ms)
        if entry.problem is not None:
            self.done.unusable += 1
            where = f"{path}, the record before byte {end:,}"
            self.done.problem = self.done.problem or f"{where}: {entry.problem}"
        if self._to.records % _TELL_EVERY == 1:
            self._on_progress(self.done)

    def _full(self) -> bool:
        to = self._to
        return to.records >= self._options.batch_records or to.size >= _BATCH_BYTES

    def _commit(self) -> None:
        """Makes what was sent count, together with how far its files were read."""
        for path, position in self._pending.items():
            self._to.mark(_KIND, path, position)
        sent = self._to.records
        self._to.commit()
        self._known.update(self._pending)
        self._pending.clear()
        self.done.records += sent
        self._on_progress(self.done)

    def _offset(self, path: Path) -> int:
        known = self._known.get(str(path))
        return 0 if known is None else known.offset

    def _note_rest(self, path: Path, rest: int) -> None:
        self.done.unfinished.pop(path, None)
        if rest:
            self.done.unfinished[path] = rest

    def _note_gone(self) -> None:
        """Counts the files of the directories that were ingested before and are gone."""
        directories = self._listing.directories()
        paths = (Path(path) for path in self._known)
        self.done.gone = sum(path.parent in directories and not path.exists() for path in paths)

    def _require_read(self, listed: set[Path]) -> None:
        """Lets files go that are no longer there, when all of them was ingested."""
        for path in set(self._seen) - listed:
            del self._seen[path]
            rest = self.done.unfinished.pop(path, 0)
            if rest and str(path) in self._known:
                raise DataError(
                    f"{path} was taken away with {rest:,} bytes that were not ingested: its last "
                    "line had no newline yet"
                )
