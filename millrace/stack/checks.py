"""What a machine needs to run Millrace, checked one by one, each with its remedy."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from millrace.settings import Settings
from millrace.stack.jars import deploy_root, is_current
from millrace.stack.java import compiler_command, java_command, java_version, maven_command
from millrace.stack.ports import is_free
from udfs.errors import EnvironmentFault

_OLDEST, _NEWEST = (3, 10), (3, 12)
_NEEDED_DISK_GB, _NEEDED_MEMORY_GB = 5, 6
_GIB = 1024**3
_SHOWN = 3


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        ok: false when Millrace will not run like this.
        found: what there is.
        remedy: how to mend it; empty when there is nothing to mend.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""


def checks(settings: Settings) -> Iterator[Check]:
    """All checks of this machine for a deployment."""
    yield _python()
    yield _packages()
    yield from _tools()
    yield _jars()
    yield _disk(settings.stack.state_dir)
    yield _memory()
    for name, port in _ports(settings):
        yield _port(name, port)


def missing_packages(requirements: Iterable[str]) -> list[str]:
    """Requirements that this environment does not meet, with what it has instead.

    >>> missing_packages(["no-such-thing==1", "typer>=0.1", "x; python_version < '3'"])
    ['no-such-thing==1 (none)']
    """
    found = []
    for line in requirements:
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            version = _installed(wanted.name)
            if version is None or not wanted.specifier.contains(version, prereleases=True):
                found.append(f"{wanted.name}{wanted.specifier} ({version or 'none'})")
    return found


def locked(text: str) -> list[str]:
    r"""The requirements of a lock file, without their hashes.

    >>> locked("a==1 ; python_version < '4' \\\\\n    --hash=sha256:00\nb==2\n# c\n")
    ["a==1 ; python_version < '4'", 'b==2']
    """
    lines = (line.rstrip(" \\") for line in text.splitlines())
    return [line for line in lines if line and line[0].isalnum()]


def _python() -> Check:
    version = sys.version_info[:2]
    ok = _OLDEST <= version <= _NEWEST
    remedy = "" if ok else "use Python 3.10, 3.11 or 3.12: make PYTHON=python3.11 setup"
    return Check("Python", ok, ".".join(map(str, sys.version_info[:3])), remedy)


def _packages() -> Check:
    """The lock in a checkout; in an installed wheel what the wheel asks for."""
    lock = deploy_root().parent / "requirements.lock"
    wanted = (
        locked(lock.read_text())
        if lock.exists()
        else importlib.metadata.requires("millrace-flink") or []
    )
    missing = missing_packages(wanted)
    if not missing:
        return Check("packages", True, f"{len(wanted)} as they should be")
    rest = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return Check("packages", False, f"not {', '.join(missing[:_SHOWN])}{rest}", "run `make setup`")


def _tools() -> Iterator[Check]:
    finders = {"Java": java_command, "compiler": compiler_command, "Maven": maven_command}
    for name, find in finders.items():
        try:
            path = find()
            version = f" ({java_version(path)})" if name == "Java" else ""
            yield Check(name, True, path + version)
        except EnvironmentFault as fault:
            problem, _, remedy = str(fault).partition(": ")
            yield Check(name, False, problem, remedy)


def _jars() -> Check:
    """Not built is no fault: they are built when they are needed."""
    stale = [name for name in ("flink", "kafka") if not is_current(deploy_root() / name)]
    found = f"{' and '.join(stale)} will be built at first use" if stale else "built"
    return Check("JARs", True, found)


def _disk(state_dir: Path) -> Check:
    existing = next(p for p in [state_dir.resolve(), *state_dir.resolve().parents] if p.exists())
    free = shutil.disk_usage(existing).free / _GIB
    ok = free >= _NEEDED_DISK_GB
    remedy = "" if ok else f"free {_NEEDED_DISK_GB} GB, or set stack.state_dir to another disk"
    return Check("disk", ok, f"{free:.0f} GB free at {existing}", remedy)


def _memory() -> Check:
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GIB
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():  # what the kernel can free counts as well
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        available = int(fields["MemAvailable"].split()[0]) * 1024 / _GIB
    ok = available >= _NEEDED_MEMORY_GB
    remedy = "" if ok else f"end other programs: the local stack needs {_NEEDED_MEMORY_GB} GB"
    return Check("memory", ok, f"{available:.0f} GB available", remedy)


def _ports(settings: Settings) -> list[tuple[str, int]]:
    stack = settings.stack
    return [
        ("port of Kafka", stack.kafka_port),
        ("port of the model server", stack.serving_port),
        ("port of Flink", stack.flink_port),
    ]


def _port(name: str, port: int) -> Check:
    """A taken port is no fault: the stack takes another one, or holds it itself."""
    state = "free" if is_free(port) else "in use; `millrace up` takes another one"
    return Check(name, True, f"{port} {state}")


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
