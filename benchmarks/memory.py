"""Memory of the Python workers below a process, from /proc."""

from pathlib import Path

from benchmarks import workers


def workers_pss(root: int) -> list[int]:
    """Proportional set sizes of the Flink Python workers below a process, in bytes."""
    sizes = [_pss(pid) for pid in workers.python_workers(root)]
    return [size for size in sizes if size]


def _pss(pid: int) -> int:
    """Memory of a process, shared pages divided among those who share them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
