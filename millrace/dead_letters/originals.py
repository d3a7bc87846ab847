"""The bytes of records whose dead letters do not hold them.

With a second entity key, blocks hold columns of records and not their bytes when the model is
asked. When neither it nor the rule answers, the dead letter only says where the record lies.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice

import msgspec

from millrace.archive.stages import Stages
from millrace.dead_letters.letters import Letter
from millrace.kafka.topics import RAW
from udfs.errors import DataError
from udfs.records import Reason

_TOGETHER = 1_000


def with_bytes(stages: Stages, letters: Iterable[Letter]) -> Iterator[Letter]:
    """The letters in their order, with the bytes and key of their records where those lack.

    Raises:
        DataError: a record is not there any more.
    """
    for lacking, run in groupby(letters, lacks_bytes):
        if not lacking:
            yield from run
            continue
        while part := list(islice(run, _TOGETHER)):
            yield from _completed(stages, part)


def lacks_bytes(letter: Letter) -> bool:
    """Whether the record's bytes are only in its topic: one that was decoded was never null."""
    return letter.content.reason is Reason.NO_ANSWER and letter.content.value is None


def _completed(stages: Stages, letters: Sequence[Letter]) -> Iterator[Letter]:
    places = {(letter.content.source_partition, letter.content.source_offset) for letter in letters}
    start: dict[int, int] = {}
    end: dict[int, int] = {}
    for partition, offset in places:
        start[partition] = min(start.get(partition, offset), offset)
        end[partition] = max(end.get(partition, 0), offset + 1)
    found = {
        (record.partition, record.offset): record
        for record in stages.read(RAW, start, end)
        if (record.partition, record.offset) in places
    }
    for letter in letters:
        content = letter.content
        record = found.get((content.source_partition, content.source_offset))
        if record is None:
            raise DataError(
                f"the record of dead letter {letter.id} is not at "
                f"{'/'.join(map(str, letter.source))} any more, and the letter does not hold its "
                "bytes; look in the other place, with or without --archive"
            )
        whole = msgspec.structs.replace(content, key=record.key, value=record.value)
        yield replace(letter, content=whole)
