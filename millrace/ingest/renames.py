"""Files that were renamed since they were ingested, and those that are not what they were."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from millrace.ingest.positions import HEAD_BYTES, Position, Positions, begins_with, content
from udfs.errors import ConfigurationError, DataError

Moves = dict[str, Position]
"""The positions that go to other paths, by the new path."""


def moves(paths: Sequence[Path], known: Positions) -> Moves:
    """The files among `paths` that were ingested under another name, which they no longer have.

    Args:
        paths: what is to be ingested now; a file that went away meanwhile is left out.
        known: how far files were ingested.

    Raises:
        ConfigurationError: a file cannot be read.
        DataError: a file is a copy of an ingested one, was replaced, or shrank.
    """
    by_head = _by_head(known.values())
    found: Moves = {}
    others: list[Path] = []
    for path in paths:
        verdict = _look(path, lambda fd, path=path: _ingested_as(fd, path, known, by_head))  # type: ignore[misc]
        if isinstance(verdict, Position):
            _require_gone(path, verdict, found)
            found[str(path)] = verdict
        elif verdict is False and str(path) in known:
            others.append(path)
    moved = {position.path for position in found.values()}
    for path in others:
        if str(path) not in moved:
            raise _replaced(path, known[str(path)])
    return found


_Heads = dict[int, dict[str, list[Position]]]


def _by_head(known: Iterable[Position]) -> _Heads:
    """Positions by the length of their head and its digest."""
    found: _Heads = {}
    for position in known:
        same = found.setdefault(min(position.offset, HEAD_BYTES), {})
        same.setdefault(position.content.head, []).append(position)
    return found


def _ingested_as(fd: int, path: Path, known: Positions, by_head: _Heads) -> Position | bool:
    """True: under its own name. A position: under another. False: not at all."""
    own = known.get(str(path))
    if own is not None and begins_with(fd, own.content):
        return True
    size = os.fstat(fd).st_size
    best: Position | None = None
    for length, by_digest in by_head.items():
        if length <= size:
            for position in by_digest.get(content(fd, length).head, ()):
                if position is not own and begins_with(fd, position.content):
                    best = max(best or position, position, key=lambda one: one.offset)
    return best or False


def _require_gone(path: Path, position: Position, found: Moves) -> None:
    """Raises when a file has what another one still has, so that it is a copy."""
    still_there = _look(Path(position.path), lambda fd: begins_with(fd, position.content))
    twin = next((new for new, moved in found.items() if moved is position), None)
    if still_there or twin is not None:
        raise DataError(
            f"{path} begins with the {position.offset:,} bytes that were ingested as "
            f"{position.path if still_there else twin}: it is a copy; take it away, or name "
            "another --source to ingest its records once more"
        )


def _replaced(path: Path, position: Position) -> DataError:
    size = path.stat().st_size if path.exists() else 0
    if size < position.offset:
        what = f"shrank to {size:,} bytes, of which {position.offset:,} were ingested before"
    else:
        what = f"no longer begins with the {position.offset:,} bytes that were ingested before"
    return DataError(
        f"{path} {what}; give a new file a name of its own, and where logs are rotated name the "
        "rotated files too, so that they are recognised"
    )


def _look(path: Path, ask: Callable[[int], Position | bool]) -> Position | bool | None:
    """What is asked of a file; None when there is none."""
    try:
        with path.open("rb") as file:
            return ask(file.fileno())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
