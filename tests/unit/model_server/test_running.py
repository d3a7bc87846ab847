"""Where work runs, by what it took before."""

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from millrace.model_server.running import ModelRunner, Values, Work, learn
from millrace.model_server.servable import Feeds, Signature
from millrace.model_server.served_version import ServedVersion

INLINE_S = 0.002


class _Echo:
    """A servable that answers at once."""

    def __init__(self, *, bounded: bool = True) -> None:
        self.signatures: dict[str, Signature] = {}
        self.signature_def_map = b""
        self.bounded = bounded

    def run(self, feeds: Feeds, fetches: Sequence[str]) -> list[NDArray[Any]]:
        return [np.ones(1)]

    def close(self) -> None:
        """Nothing to free."""


TEXT = np.array([b"t" * 4000], object)


@pytest.mark.parametrize(
    ("expected_s", "bounded", "fed", "here"),
    [
        (math.inf, True, np.ones(1), False),
        (0.5, True, np.ones(1), False),
        (0.001, True, np.ones(1), True),
        # Of a loop nothing says how long it runs.
        (0.001, False, np.ones(1), False),
        # 1,000 bytes did not take long.
        (0.001, True, np.ones(250), True),
        (0.001, True, np.ones(251), False),
        (0.001, True, TEXT, False),
    ],
)
def test_what_takes_long_runs_on_a_thread_of_its_own(
    expected_s: float, bounded: bool, fed: NDArray[Any], here: bool
) -> None:
    runner, threads, done = ModelRunner(1), [], threading.Event()
    served = ServedVersion("m", 1, _Echo(bounded=bounded), expected_s, short_bytes=1000)

    def ended(outcome: Values | Exception) -> None:
        threads.append(threading.get_ident())
        done.set()

    try:
        runner.submit(Work(served, [("x", fed)], (), ended))
        assert done.wait(10.0)
    finally:
        runner.close()
    assert (threads == [threading.get_ident()]) == here


@pytest.mark.parametrize(
    ("took", "inline", "doubtful"),
    [
        ([(0.0001, 0.0001)], True, False),
        ([(0.0001, 0.0001), (0.0002, None)], True, False),
        # Long by the clock on the wall: a wait for a core, perhaps. The next run tells.
        ([(0.0001, 0.0001), (0.004, None)], True, True),
        ([(0.0001, 0.0001), (0.004, None), (0.004, 0.0002)], True, False),
        ([(0.0001, 0.0001), (0.004, None), (0.004, 0.004)], False, True),
        # What computes elsewhere, or waits itself, shows on the wall only.
        ([(0.0001, 0.0001), (0.03, None)], False, True),
        ([(0.03, 0.0001)], False, True),
        # One slow run is forgotten in time.
        ([(0.03, 0.0001), *[(0.0001, 0.0001)] * 30], True, False),
    ],
)
def test_runs_tell_how_long_the_next_may_take(
    took: list[tuple[float, float | None]], inline: bool, doubtful: bool
) -> None:
    served = ServedVersion("m", 1, _Echo())
    for wall_s, thread_s in took:
        learn(served, wall_s, thread_s)
    assert (served.expected_s < INLINE_S, served.doubtful) == (inline, doubtful)


def test_inputs_that_were_short_once_may_be_long_later() -> None:
    served, found = ServedVersion("m", 1, _Echo()), []
    for took, size in [(0.0001, 100), (0.001, 5000), (0.001, 10), (0.03, 9000), (0.03, 2000)]:
        learn(served, took, took, size)
        found.append(served.short_bytes)
    assert found == [100, 5000, 5000, 4500, 1000]
