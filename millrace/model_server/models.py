"""Models, the versions of each that are loaded, and the change from one version to the next."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from millrace.model_server import base_path
from millrace.model_server.errors import LoadError
from millrace.model_server.events import log
from millrace.model_server.servable import Servable
from udfs.client.outcomes import VersionState, VersionStatus

Loader = Callable[[Path], Servable]
"""Loads a version directory; raises LoadError."""

_LOAD_RETRIES: Final = 5
_RETRY_SECONDS: Final = 60.0
_UNKNOWN: Final = 2


@dataclass
class ServedVersion:
    """A loaded version and the calls that are running on it.

    Attributes:
        version: its number.
        servable: what runs it.
        expected_s: seconds that a call may take, from recent ones; endless before the first.
    """

    version: int
    servable: Servable
    expected_s: float = math.inf
    _calls: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()

    @contextmanager
    def in_use(self) -> Iterator[Servable]:
        """Keeps the version loaded inside the block."""
        self._calls += 1
        self._idle.clear()
        try:
            yield self.servable
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    async def drained(self) -> None:
        """Returns when no call runs on the version."""
        await self._idle.wait()


@dataclass(frozen=True)
class _FailedLoad:
    stamp: tuple[int, int, int]
    attempts: int
    retry_at: float


class Model:
    """A model of which the newest version that loads is served.

    The new version is up before the old one goes. What cannot be loaded, and a base path that
    is empty or gone, leave the version that serves in place.

    Args:
        name: the name that requests use.
        directory: the base path.
        loader: loads a version directory; runs in a thread.
    """

    def __init__(self, name: str, directory: Path, loader: Loader) -> None:
        self.name = name
        self.directory = directory
        self.serving: ServedVersion | None = None
        self._loader = loader
        self._statuses: dict[int, VersionStatus] = {}
        self._failed: dict[int, _FailedLoad] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def statuses(self) -> list[VersionStatus]:
        """The state of every version that was ever tried, newest first."""
        return sorted(self._statuses.values(), key=lambda status: -status.version)

    async def refresh(self) -> None:
        """Loads the newest version on disk, unless it serves already or cannot be loaded."""
        found = await asyncio.to_thread(base_path.versions, self.directory)
        for version in sorted(found, reverse=True):
            if self.serving is not None and self.serving.version == version:
                return
            if await self._try(version, found[version]):
                return

    async def close(self) -> None:
        """Waits for the calls that run, then frees what is loaded."""
        if self.serving is not None:
            self._retire(self.serving)
            self.serving = None
        await asyncio.gather(*self._retiring)

    async def _try(self, version: int, folder: Path) -> bool:
        stamp = await asyncio.to_thread(base_path.content_stamp, folder)
        failed = self._failed.get(version)
        if failed and failed.stamp == stamp and time.monotonic() < failed.retry_at:
            return False
        self._set_state(version, VersionState.LOADING)
        log("version_loading", model=self.name, version=version)
        try:
            servable = await asyncio.to_thread(self._loader, folder)
        except Exception as error:
            # Whatever the files of one version make the loader raise: others stay served.
            attempts = failed.attempts + 1 if failed and failed.stamp == stamp else 1
            self._note_failure(version, stamp, attempts, error)
            return False
        self._failed.pop(version, None)
        self._publish(ServedVersion(version, servable))
        return True

    def _note_failure(
        self, version: int, stamp: tuple[int, int, int], attempts: int, error: Exception
    ) -> None:
        code, message = (
            (error.code, error.message) if isinstance(error, LoadError) else (_UNKNOWN, repr(error))
        )
        retry_s = _RETRY_SECONDS if attempts <= _LOAD_RETRIES else math.inf
        self._failed[version] = _FailedLoad(stamp, attempts, time.monotonic() + retry_s)
        self._set_state(version, VersionState.END, code, message)
        log("version_failed", model=self.name, version=version, error=message)

    def _publish(self, new: ServedVersion) -> None:
        old, self.serving = self.serving, new
        self._set_state(new.version, VersionState.AVAILABLE)
        log("version_available", model=self.name, version=new.version)
        if old is not None:
            self._retire(old)

    def _retire(self, old: ServedVersion) -> None:
        self._set_state(old.version, VersionState.UNLOADING)
        task = asyncio.get_running_loop().create_task(self._unload(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _unload(self, old: ServedVersion) -> None:
        await old.drained()
        await asyncio.to_thread(old.servable.close)
        self._set_state(old.version, VersionState.END)
        log("version_unloaded", model=self.name, version=old.version)

    def _set_state(
        self, version: int, state: VersionState, code: int = 0, message: str = ""
    ) -> None:
        self._statuses[version] = VersionStatus(version, state, code, message)
