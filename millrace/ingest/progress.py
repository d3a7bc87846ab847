"""What an ingest of files did."""

import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Ingested:
    """What was done; the same object is updated while it goes on.

    Attributes:
        records: written and committed.
        unusable: of them, those that will become dead letters; `problem` tells of the first one.
        blank: lines that were left out because nothing stands in them.
        bytes: of the files, read now.
        total_bytes: of the files, that there were to read; grows where files do.
        files: from which records came.
        renamed: files that went on under another name.
        gone: files of a directory that were ingested before and are no longer there.
        unfinished: files that end in a line without a newline, by what stands in it, bytes.
        interrupted: it was stopped before the end.
    """

    records: int = 0
    unusable: int = 0
    problem: str = ""
    blank: int = 0
    bytes: int = 0
    total_bytes: int = 0
    files: set[Path] = field(default_factory=set)
    renamed: int = 0
    gone: int = 0
    unfinished: dict[Path, int] = field(default_factory=dict)
    interrupted: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.monotonic() - self.started
