"""What stands under a model's base path."""

from collections.abc import Sequence
from pathlib import Path


def versions(base_path: Path, graph_files: Sequence[str]) -> dict[int, Path]:
    """Version directories by number; empty when the base path is, or is gone.

    A version directory is named by an integer, leading zeros allowed, and holds a graph:
    directories that are still being written do not count.
    """
    found: dict[int, Path] = {}
    try:
        for folder in sorted(base_path.iterdir()):
            if folder.name.isascii() and folder.name.isdigit() and _holds(folder, graph_files):
                found.setdefault(int(folder.name), folder)
    except OSError:
        # Whoever publishes may move folders while they are read; the next look sees them.
        return {}
    return {number: folder for number, folder in found.items() if number < 1 << 63}


def _holds(folder: Path, graph_files: Sequence[str]) -> bool:
    return any((folder / name).is_file() for name in graph_files)


def content_stamp(folder: Path) -> tuple[int, int, int]:
    """Files, bytes and the latest change under a folder: alike while nobody writes to it."""
    count = size = latest = 0
    try:
        for path in folder.rglob("*"):
            status = path.stat()
            count, size = count + 1, size + status.st_size
            latest = max(latest, status.st_mtime_ns)
    except OSError:
        # Something went away meanwhile: a stamp of its own, so that the next one differs.
        return -1, -1, -1
    return count, size, latest
