"""Which files there are to ingest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal, TypeAlias

from udfs.errors import ConfigurationError, DataError

Format: TypeAlias = Literal["csv", "jsonl"]
FORMATS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True)
class Found:
    """A file to ingest.

    Attributes:
        path: absolute, without links.
        format: how it is read.
        listed: it was found in a directory, where files grow.
        signature: what changes when the file does.
    """

    path: Path
    format: Format
    listed: bool
    signature: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes, when it was listed."""
        return self.signature[1]


@dataclass(frozen=True)
class Listing:
    """Files and directories to ingest.

    Attributes:
        paths: of them.
        format: of all files; by their suffix when None.
        pattern: of the names that count in a directory.
    """

    paths: Sequence[Path]
    format: Format | None = None
    pattern: str = "*"
    skipped: set[Path] = field(default_factory=set)

    def directories(self) -> set[Path]:
        """The directories among the paths."""
        return {path.resolve() for path in self.paths if path.is_dir()}

    def __call__(self) -> list[Found]:
        """The files now: those that were named, and those in directories by their age.

        Files in a directory whose format nobody can tell are noted in `skipped`; hidden ones and
        those that do not match the pattern are not meant.

        Raises:
            ConfigurationError: a path is missing or unreadable, or a format unknown.
        """
        found: dict[Path, Found] = {}
        for path in self.paths:
            try:
                files = self._in(path) if path.is_dir() else [self._named(path)]
            except OSError as error:
                raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
            for file in files:
                found.setdefault(file.path, file)
        return list(found.values())

    def _named(self, path: Path) -> Found:
        if not path.exists():
            raise ConfigurationError(f"there is no file or directory {path}")
        if not path.is_file():
            raise ConfigurationError(f"{path} is neither a file nor a directory")
        found = self._found(path, listed=False)
        if found is None:
            raise ConfigurationError(
                f"the name of {path} does not tell its format; give --format csv or jsonl"
            )
        return found

    def _in(self, directory: Path) -> list[Found]:
        files: list[Found] = []
        for path in directory.iterdir():
            if path.name.startswith(".") or not fnmatch(path.name, self.pattern):
                continue
            try:
                found = self._found(path, listed=True) if path.is_file() else None
            except FileNotFoundError:  # gone since it was listed
                continue
            if found is not None:
                files.append(found)
            elif path.is_file():
                self.skipped.add(path)
        # The oldest first: event times tend to go on from file to file.
        return sorted(files, key=lambda file: (file.signature[2], file.path.name))

    def _found(self, path: Path, *, listed: bool) -> Found | None:
        kind = self.format or FORMATS.get(path.suffix.lower())
        resolved = path.resolve()
        try:
            str(resolved).encode()
        except UnicodeEncodeError as error:
            raise DataError(f"the name of {str(resolved)!a} is not UTF-8") from error
        stat = path.stat()
        signature = stat.st_ino, stat.st_size, stat.st_mtime_ns
        return None if kind is None else Found(resolved, kind, listed, signature)
