"""Runs models on the thread that asks, or on threads of their own where that takes long."""

import asyncio
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from numpy.typing import NDArray

from millrace.model_server.servable import Feeds
from millrace.model_server.served_version import ServedVersion

_SHORT_SECONDS: Final = 0.002
_SURELY_SLOW_SECONDS: Final = 0.02
_FORGET: Final = 0.9
_AS_LARGE: Final = 2

Values: TypeAlias = Sequence[NDArray[Any]]
Result = TypeVar("Result")


@dataclass(eq=False, slots=True)
class Work:
    """A run of a version that somebody waits for.

    Attributes:
        served: the version; whoever submits the work keeps it loaded until `done` is called.
        feeds: what it is fed.
        fetches: what is fetched.
        done: takes the fetched values in that order, or why there are none. It is called once,
            from any thread, and must not raise.
        deadline: when nobody waits any more, by `time.monotonic()`; None for never.
        gone: nobody waits any more, whatever the deadline says.
    """

    served: ServedVersion
    feeds: Feeds
    fetches: Sequence[str]
    done: Callable[[Values | Exception], None]
    deadline: float | None = None
    gone: bool = False


class Runner(Protocol):
    """Runs versions: at once, or together with other calls."""

    def submit(self, work: Work) -> None:
        """Has the work run; it may be done already when this returns.

        Raises:
            RequestError: it is refused, and `done` is not called.
        """


async def awaited(start: Callable[[Callable[[Result | Exception], None]], Work]) -> Result:
    """The result of work, on the event loop.

    Args:
        start: submits the work, which hands its result to the function that it is given.

    Raises:
        RequestError: what the work ends with instead.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(outcome: Result | Exception) -> None:
        if future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    work = start(lambda outcome: _told(loop, settle, outcome))
    try:
        return await future
    except asyncio.CancelledError:
        work.gone = True
        raise


def _told(loop: asyncio.AbstractEventLoop, settle: Callable[[Any], None], outcome: Any) -> None:
    loop.call_soon_threadsafe(settle, outcome)


class ModelRunner:
    """Runs short work where it is submitted and long work in threads.

    Handing a call to a thread costs about as much as a small model itself. So what goes to one are
    calls of versions whose recent calls took longer than two milliseconds, or that never ran, calls
    with far larger inputs than those that were short, and graphs with loops, of which nothing says
    how long they run. Other calls wait for what runs here, a few milliseconds at most as a rule.

    Args:
        threads: calls that may be long and run at once; None for two a core.
    """

    def __init__(self, threads: int | None = None) -> None:
        # Each session runs on the calling thread, so threads are what lets calls run in parallel.
        self._threads = ThreadPoolExecutor(threads or 2 * (os.cpu_count() or 1), "model-runner")

    def submit(self, work: Work) -> None:
        """Has the work run; an error of the runtime becomes a RequestError with its status."""
        if _short(work):
            _run(work)
        else:
            self._threads.submit(_run, work)

    def close(self) -> None:
        """Ends the threads; work that runs is waited for."""
        self._threads.shutdown()


def _short(work: Work) -> bool:
    served = work.served
    return (
        served.expected_s < _SHORT_SECONDS
        and served.servable.bounded
        and _size(work.feeds) <= _AS_LARGE * served.short_bytes
    )


def _size(feeds: Feeds) -> int:
    """Bytes of the inputs, those of strings included."""
    size = 0
    for _, array in feeds:
        size += array.nbytes
        if array.dtype.hasobject:
            size += sum(map(len, array.ravel().tolist()))
    return size


def _run(work: Work) -> None:
    served = work.served
    start = time.perf_counter()
    # Asking for a thread's time costs up to 5 µs a call: only where it decides something.
    start_cpu = time.thread_time() if served.doubtful else None
    outcome: Values | Exception
    try:
        outcome = served.servable.run(work.feeds, work.fetches)
    except Exception as error:
        # Whoever waits has to hear of it, whatever a runtime raises.
        outcome = error
    else:
        took = time.perf_counter() - start
        took_cpu = None if start_cpu is None else time.thread_time() - start_cpu
        learn(served, took, took_cpu, _size(work.feeds))
    work.done(outcome)


def learn(served: ServedVersion, took: float, took_cpu: float | None, size: int = 0) -> None:
    """Notes what a call took, by the clock on the wall and, where that was asked, of the thread."""
    if _SHORT_SECONDS <= took < _SURELY_SLOW_SECONDS and took_cpu is None:
        # On a busy machine a short call may wait long for a core: the next one tells.
        served.doubtful = True
        return
    # A graph that computes elsewhere, or waits itself, shows by the clock on the wall only.
    latest = took if took_cpu is None or took > _SURELY_SLOW_SECONDS else took_cpu
    known = 0.0 if math.isinf(served.expected_s) else served.expected_s
    served.expected_s = max(latest, known * _FORGET)
    if latest < _SHORT_SECONDS:
        served.short_bytes = max(served.short_bytes, size)
    else:
        served.short_bytes = min(served.short_bytes, size // _AS_LARGE)
    served.doubtful = served.expected_s >= _SHORT_SECONDS
