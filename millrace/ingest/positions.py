"""How far the files of a source were ingested: entries of `<use case>.ingest-positions`."""

import hashlib
import os
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

HEAD_BYTES = 4_096


class Content(msgspec.Struct, frozen=True):
    """What tells whether a file still begins with the bytes that were ingested.

    Attributes:
        length: how many bytes that was.
        head: digest of the first 4,096 of them.
        tail: digest of the last 4,096 of them.
    """

    length: int
    head: str
    tail: str


class Position(msgspec.Struct, frozen=True, tag="file"):
    """How far a file was ingested.

    Attributes:
        path: absolute, without links.
        content: the bytes that were ingested.
        records: how many that were.
        event_time_ms: the last one that could be read; None when none could.
    """

    path: str
    content: Content
    records: int
    event_time_ms: int | None

    @property
    def offset(self) -> int:
        """The byte at which the next record begins."""
        return self.content.length


Positions: TypeAlias = Mapping[str, Position]
"""Positions by path."""


def content(descriptor: int, length: int) -> Content:
    """What tells the first bytes of an open file from others."""
    size = min(length, HEAD_BYTES)
    head, tail = os.pread(descriptor, size, 0), os.pread(descriptor, size, length - size)
    return Content(length, _digest(head), _digest(tail))


def begins_with(descriptor: int, known: Content) -> bool:
    """Whether an open file begins with the bytes that were ingested."""
    size = os.fstat(descriptor).st_size
    return size >= known.length and content(descriptor, known.length) == known


def _digest(some: bytes) -> str:
    return hashlib.blake2b(some, digest_size=16).hexdigest()
