"""Reads the dead letters of a use case."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from millrace.archive.stages import Stages
from millrace.kafka.topics import DEAD_LETTERS
from udfs.errors import ConfigurationError, DataError
from udfs.records import REFUSING_STAGES, DeadLetter, Reason

Place = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(frozen=True)
class Letter:
    """A dead letter and where it lies.

    Attributes:
        partition: of the topic of dead letters.
        offset: there.
        time_ms: when it was written, UTC.
        content: what it says.
    """

    partition: int
    offset: int
    time_ms: int
    content: DeadLetter

    @property
    def id(self) -> str:
        """`partition:offset` in the topic of dead letters."""
        return f"{self.partition}:{self.offset}"

    @property
    def source(self) -> Place:
        """The record that it is about."""
        letter = self.content
        return letter.source_topic, letter.source_partition, letter.source_offset


@dataclass(frozen=True)
class Filter:
    """Which dead letters are meant; None does not choose.

    Attributes:
        reason: reason code.
        stage: where it was refused.
        since_ms: written at or after this time.
        until_ms: written before this time.
        partition: of the source record.
    """

    reason: str | None = None
    stage: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    partition: int | None = None

    def __post_init__(self) -> None:
        """Refuses a reason or a stage that there is not."""
        reasons = [reason.value for reason in Reason]
        for option, value, known in (
            ("--reason", self.reason, reasons),
            ("--stage", self.stage, REFUSING_STAGES),
        ):
            if value is not None and value not in known:
                raise ConfigurationError(f"{option} is {value!r}; it is one of {', '.join(known)}")

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        content = letter.content
        return (
            self.reason in (None, content.reason.value)
            and self.stage in (None, content.stage)
            and self.partition in (None, content.source_partition)
            and (self.since_ms is None or letter.time_ms >= self.since_ms)
            and (self.until_ms is None or letter.time_ms < self.until_ms)
        )


def letters(stages: Stages, chosen: Filter) -> Iterator[Letter]:
    """The committed dead letters that a filter takes, each partition in its order.

    Raises:
        DataError: a record of the topic is no dead letter.
    """
    decode = msgspec.json.Decoder(DeadLetter).decode
    for record in stages.read(DEAD_LETTERS):
        try:
            content = decode(record.value or b"")
        except msgspec.DecodeError as error:
            raise DataError(
                f"{record.topic}, partition {record.partition}, offset {record.offset} is no "
                f"dead letter: {error}"
            ) from error
        letter = Letter(record.partition, record.offset, record.timestamp_ms, content)
        if chosen.takes(letter):
            yield letter
