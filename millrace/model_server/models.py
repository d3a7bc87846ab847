"""A model, the versions of it that are loaded, and the change from one version to the next."""

import asyncio
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from millrace.model_server import base_path
from millrace.model_server.errors import LoadError
from millrace.model_server.events import log
from millrace.model_server.model_config import ModelConfig
from millrace.model_server.observer import Observer
from millrace.model_server.servable import Platform, Servable
from millrace.model_server.served_version import ServedVersion
from millrace.model_server.warmup import warm_up
from udfs.client.outcomes import VersionState, VersionStatus

_UNKNOWN: Final = 2


@dataclass(frozen=True)
class LoadRetries:
    """How often a version that did not load is tried again.

    Attributes:
        count: tries after the first.
        interval_s: seconds between two; changed files are tried at once.
    """

    count: int = 5
    interval_s: float = 60.0


@dataclass(frozen=True)
class _FailedLoad:
    stamp: tuple[int, int, int]
    attempts: int
    retry_at: float


@dataclass(frozen=True)
class _Loaded:
    servable: Servable
    load_us: float
    records: int
    warm_up_us: float


class Model:
    """A model of which the versions that its policy names are served, where they load.

    New versions are up before old ones go. What cannot be loaded, and a base path that is empty
    or gone, leave the versions that serve in place.

    Args:
        config: name, base path and version policy; may be replaced.
        platform: loads version directories, in a thread.
        retries: how often a failed load is repeated.
        observer: is told of loads.
        warm_ups: times that a version's warm-up requests run; 0 for none.
    """

    def __init__(
        self,
        config: ModelConfig,
        platform: Platform,
        retries: LoadRetries | None = None,
        observer: Observer | None = None,
        warm_ups: int = 1,
    ) -> None:
        self.config = config
        self.serving: ServedVersion | None = None
        self._served: dict[int, ServedVersion] = {}
        self._platform = platform
        self._retries = retries or LoadRetries()
        self._observer = observer or Observer()
        self._warm_ups = warm_ups
        self._statuses: dict[int, VersionStatus] = {}
        self._failed: dict[int, _FailedLoad] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._refreshing = asyncio.Lock()
        self._closed = False

    @property
    def name(self) -> str:
        """The name that requests use."""
        return self.config.name

    def version(self, number: int) -> ServedVersion | None:
        """A version that is available."""
        return self._served.get(number)

    def statuses(self) -> list[VersionStatus]:
        """The state of every version that was ever tried, newest first."""
        return sorted(self._statuses.values(), key=lambda status: -status.version)

    async def refresh(self) -> None:
        """Loads what the policy wants of the versions on disk, then lets go what it does not.

        It goes on when whoever asked for it leaves: a load cannot be stopped, and what it made
        would be lost.
        """
        await asyncio.shield(asyncio.ensure_future(self._refresh()))

    async def _refresh(self) -> None:
        async with self._refreshing:
            if self._closed:
                return
            config = self.config
            found = await asyncio.to_thread(
                base_path.versions, config.base_path, self._platform.graph_files
            )
            wanted: set[int] = set()
            for version in config.policy.candidates(found):
                if version in self._served or await self._try(version, found[version]):
                    wanted.add(version)
                if len(wanted) >= config.policy.limit:
                    break
            # Without a version to take over, the old ones stay.
            for version in self._served.keys() - wanted if wanted else ():
                self._retire(version)

    async def close(self) -> None:
        """Waits for the calls that run, then frees what is loaded."""
        async with self._refreshing:
            self._closed = True
            for version in list(self._served):
                self._retire(version)
        await asyncio.gather(*self._retiring)

    async def _try(self, version: int, folder: Path) -> bool:
        stamp = await asyncio.to_thread(base_path.content_stamp, folder)
        failed = self._failed.get(version)
        if failed and failed.stamp == stamp and time.monotonic() < failed.retry_at:
            return False
        self._set_state(version, VersionState.START)
        self._set_state(version, VersionState.LOADING)
        log("version_loading", model=self.name, version=version)
        try:
            loaded = await asyncio.to_thread(self._load, folder)
        except Exception as error:
            # Whatever the files of one version make the loader raise: others stay served.
            attempts = failed.attempts + 1 if failed and failed.stamp == stamp else 1
            self._note_failure(version, stamp, attempts, error)
            return False
        self._failed.pop(version, None)
        self._observer.loaded(self.name, version, loaded.load_us)
        if loaded.records:
            self._observer.warmed_up(self.name, version, loaded.records, loaded.warm_up_us)
            log("version_warmed_up", model=self.name, version=version, records=loaded.records)
        self._publish(version, loaded.servable)
        return True

    def _load(self, folder: Path) -> _Loaded:
        start = time.perf_counter()
        servable = self._platform.load(folder)
        loaded_at = time.perf_counter()
        try:
            records = warm_up(servable, folder, self._warm_ups)
        except Exception:
            servable.close()
            raise
        warm_up_us = (time.perf_counter() - loaded_at) * 1e6
        return _Loaded(servable, (loaded_at - start) * 1e6, records, warm_up_us)

    def _note_failure(
        self, version: int, stamp: tuple[int, int, int], attempts: int, error: Exception
    ) -> None:
        code, message = (
            (error.code, error.message) if isinstance(error, LoadError) else (_UNKNOWN, repr(error))
        )
        wait_s = self._retries.interval_s if attempts <= self._retries.count else math.inf
        self._failed[version] = _FailedLoad(stamp, attempts, time.monotonic() + wait_s)
        self._set_state(version, VersionState.END, code, message)
        self._observer.load_failed(self.name, version)
        log("version_failed", model=self.name, version=version, error=message)

    def _publish(self, version: int, servable: Servable) -> None:
        self._served[version] = ServedVersion(self.name, version, servable)
        self._choose_latest()
        self._set_state(version, VersionState.AVAILABLE)
        log("version_available", model=self.name, version=version)

    def _retire(self, version: int) -> None:
        old = self._served.pop(version)
        self._choose_latest()
        self._set_state(version, VersionState.UNLOADING)
        task = asyncio.get_running_loop().create_task(self._unload(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    def _choose_latest(self) -> None:
        self.serving = self._served[max(self._served)] if self._served else None

    async def _unload(self, old: ServedVersion) -> None:
        await old.drained()
        await asyncio.to_thread(old.servable.close)
        if old.version not in self._served:
            self._set_state(old.version, VersionState.END)
        log("version_unloaded", model=self.name, version=old.version)

    def _set_state(
        self, version: int, state: VersionState, code: int = 0, message: str = ""
    ) -> None:
        self._statuses[version] = VersionStatus(version, state, code, message)
