"""What was redriven: a topic that is written in the transaction of the records themselves."""

from collections.abc import Iterable

import msgspec

from millrace.dead_letters.letters import Letter, Place
from millrace.kafka.readers import Record


class Redrive(msgspec.Struct, frozen=True):
    """One dead letter that was written back; an entry of `<use case>.redrives`.

    Places are `topic/partition/offset`.

    Attributes:
        dead_letter: place of the dead letter.
        source: place of the record that it was about.
        origin: place of the first record with these bytes, before any redrive.
        attempt: how often the bytes have been redriven, with this time.
        target: place of the record that was written.
        redriven_time_ms: wall clock, UTC.
    """

    dead_letter: str
    source: str
    origin: str
    attempt: int
    target: str
    redriven_time_ms: int


class Ledger:
    """All redrives so far, by dead letter and by the record that they wrote."""

    def __init__(self, entries: Iterable[Redrive] = ()) -> None:
        self._by_letter: dict[str, Redrive] = {}
        self._by_target: dict[str, Redrive] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Redrive) -> None:
        """Takes an entry."""
        self._by_letter[entry.dead_letter] = entry
        self._by_target[entry.target] = entry

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_letter)

    def of_letter(self, place: str) -> Redrive | None:
        """The redrive of a dead letter, None when it was not redriven."""
        return self._by_letter.get(place)

    def of_target(self, place: str) -> Redrive | None:
        """The redrive that wrote a record, None when a producer did."""
        return self._by_target.get(place)

    def attempt(self, letter: Letter) -> tuple[str, int]:
        """Origin of a letter's bytes, and which attempt its redrive would be."""
        source = text(letter.source)
        before = self.of_target(source)
        return (source, 1) if before is None else (before.origin, before.attempt + 1)


def entries(records: Iterable[Record]) -> Iterable[Redrive]:
    """The entries of the topic's records."""
    decode = msgspec.json.Decoder(Redrive).decode
    return (decode(record.value or b"") for record in records)


def text(place: Place) -> str:
    """A place as the ledger and headers spell it.

    >>> text(("fraud.raw", 1, 42))
    'fraud.raw/1/42'
    """
    return "/".join(map(str, place))
