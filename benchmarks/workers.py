"""Finds Flink's Python workers below a process."""

from pathlib import Path

_WORKER = b"pyflink.fn_execution"


def python_workers(root: int) -> list[int]:
    """Ids of the Python workers among the descendants of a process, oldest first."""
    return sorted(pid for pid in _descendants(root) if _WORKER in _command(pid))


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent(int(entry.name)), []).append(int(entry.name))
    found, look = [], [root]
    while look:
        below = children.get(look.pop(), [])
        found += below
        look += below
    return found


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0  # it ended meanwhile
    # The command name stands in parentheses and may hold spaces.
    return int(stat.rpartition(")")[2].split()[1])


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
