"""Runs models without holding up the event loop."""

import asyncio
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from millrace.model_server.servable import Feeds
from millrace.model_server.served_version import ServedVersion

_SHORT_SECONDS: Final = 0.002
_SURELY_SLOW_SECONDS: Final = 0.02
_FORGET: Final = 0.9


class Runner(Protocol):
    """Runs a version: at once, or together with other calls."""

    async def run(
        self,
        served: ServedVersion,
        feeds: Feeds,
        fetches: Sequence[str],
        deadline: float | None = None,
    ) -> Sequence[NDArray[Any]]:
        """The fetched values, in order. Raises RequestError.

        Args:
            served: the version.
            feeds: what it is fed.
            fetches: what is fetched.
            deadline: when the caller no longer waits, by `time.monotonic()`.
        """


class ModelRunner:
    """Runs short calls where they arrive and long ones in threads.

    Handing a call to a thread and back costs about as much as a small model itself, so only
    versions whose recent calls took longer than two milliseconds go to a thread, and those that
    never ran. Other calls wait meanwhile, two milliseconds at most as a rule.

    Args:
        threads: calls that may be long and run at once; None for two a core.
    """

    def __init__(self, threads: int | None = None) -> None:
        # Each session runs on the calling thread, so threads are what lets calls run in parallel.
        self._threads = ThreadPoolExecutor(threads or 2 * (os.cpu_count() or 1), "model-runner")

    async def run(
        self,
        served: ServedVersion,
        feeds: Feeds,
        fetches: Sequence[str],
        deadline: float | None = None,
    ) -> Sequence[NDArray[Any]]:
        """The fetched values. Raises RequestError with the runtime's status."""
        with served.in_use():
            if served.expected_s < _SHORT_SECONDS:
                return _timed(served, feeds, fetches)
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, _timed, served, feeds, fetches)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                # The client is gone but the graph still runs: its version has to stay.
                await asyncio.wait([running])
                raise

    def close(self) -> None:
        """Ends the threads; calls that run are waited for."""
        self._threads.shutdown()


def _timed(served: ServedVersion, feeds: Feeds, fetches: Sequence[str]) -> list[NDArray[Any]]:
    start, start_cpu = time.perf_counter(), time.thread_time()
    values = served.servable.run(feeds, fetches)
    # On a busy machine a short call may wait long for a core: that makes no slow model. A graph
    # that computes elsewhere, or waits itself, shows by the clock on the wall only.
    took, took_cpu = time.perf_counter() - start, time.thread_time() - start_cpu
    known = 0.0 if math.isinf(served.expected_s) else served.expected_s
    latest = took if took > _SURELY_SLOW_SECONDS else took_cpu
    served.expected_s = max(latest, known * _FORGET)
    return values
