"""Calls of different requests run together, on a model that only echoes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from millrace.model_server.batching.parameters import BatchingParameters, parameters_of_file
from millrace.model_server.batching.runner import BatchingRunner
from millrace.model_server.errors import RequestError
from millrace.model_server.observer import Observer
from millrace.model_server.running import Values, Work, awaited
from millrace.model_server.servable import Feeds, Signature
from millrace.model_server.served_version import ServedVersion
from udfs.errors import ConfigurationError

C = grpc.StatusCode
WAIT_S = 0.05


class _Echo:
    """A servable that is never asked itself."""

    signatures: Mapping[str, Signature] = {}
    signature_def_map = b""
    bounded = True

    def run(self, feeds: Feeds, fetches: Sequence[str]) -> list[NDArray[Any]]:
        raise AssertionError("the runner answers")

    def close(self) -> None:
        """Nothing to free."""


class _Runner:
    """Answers what was fed, once it is let, and keeps what ran."""

    def __init__(self, *, held: bool = False) -> None:
        self.ran: list[list[int]] = []
        self.started = asyncio.Event()
        self.go = asyncio.Event()
        self._answering: set[asyncio.Future[None]] = set()
        if not held:
            self.go.set()

    def submit(self, work: Work) -> None:
        self.ran.append(work.feeds[0][1].tolist())
        self.started.set()
        task = asyncio.ensure_future(self._answer(work))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, work: Work) -> None:
        await self.go.wait()
        if work.fetches == ("scalar",):
            work.done([np.array(1)])
        else:
            work.done([array for _, array in work.feeds])


def rows(*values: Any) -> Feeds:
    return [("x", np.array(values))]


Scenario = Callable[[BatchingRunner, _Runner, ServedVersion], Awaitable[Any]]


def played(scenario: Scenario, parameters: BatchingParameters, *, held: bool = False) -> Any:
    async def play() -> Any:
        inner = _Runner(held=held)
        outer = BatchingRunner(inner, parameters, Observer())
        return await scenario(outer, inner, ServedVersion("m", 1, _Echo()))

    return asyncio.run(play())


def parameters(**fields: Any) -> BatchingParameters:
    return BatchingParameters(**{"max_batch_size": 4, "batch_timeout_s": WAIT_S, **fields})


async def called(
    outer: BatchingRunner,
    served: ServedVersion,
    feeds: Feeds,
    fetches: tuple[str, ...] = ("y",),
    deadline: float | None = None,
) -> Values:
    def start(done: Callable[[Values | Exception], None]) -> Work:
        work = Work(served, feeds, fetches, done, deadline)
        outer.submit(work)
        return work

    return await awaited(start)


async def together(
    outer: BatchingRunner, served: ServedVersion, *feeds: Feeds, fetches: tuple[str, ...] = ("y",)
) -> list[Any]:
    """What calls at the same time end as: lists, or (code, message)."""

    async def one(each: Feeds) -> Any:
        try:
            values = await called(outer, served, each, fetches)
        except RequestError as error:
            return error.code, error.message
        return values[0].tolist()

    return await asyncio.gather(*[one(each) for each in feeds])


def test_calls_run_together_and_each_gets_its_rows() -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        return await together(outer, served, rows(1), rows(2, 3), rows(4)), inner.ran

    assert played(scenario, parameters()) == ([[1], [2, 3], [4]], [[1, 2, 3, 4]])


def test_full_batch_does_not_wait_for_its_time() -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        start = time.monotonic()
        await together(outer, served, rows(1, 2), rows(3, 4))
        return time.monotonic() - start

    assert played(scenario, parameters(batch_timeout_s=30.0)) < 10.0


def test_batch_is_padded_to_an_allowed_size() -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        return await together(outer, served, rows(1), rows(2, 3)), inner.ran

    allowed = parameters(max_batch_size=8, allowed_batch_sizes=(1, 5, 8))
    assert played(scenario, allowed) == ([[1], [2, 3]], [[1, 2, 3, 2, 2]])


def test_other_shapes_and_types_wait_by_themselves() -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        found = await together(outer, served, rows(1), rows([2, 3]), rows(4.5), rows(5))
        return found, sorted(map(str, inner.ran)), outer._queues

    assert played(scenario, parameters()) == (
        [[1], [[2, 3]], [4.5], [5]],
        ["[1, 5]", "[4.5]", "[[2, 3]]"],
        {},
    )


def test_lengths_are_padded_where_asked() -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        return await together(outer, served, rows([1, 2, 3]), rows([4]))

    padded = parameters(pad_variable_length_inputs=True)
    assert played(scenario, padded) == [[[1, 2, 3]], [[4, 0, 0]]]


def test_large_task_is_refused_or_spread() -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        return (await together(outer, served, rows(0), rows(1, 2, 3, 4, 5)))[1], inner.ran

    said = "Task size 5 is larger than maximum input batch size 4"
    assert played(scenario, parameters()) == ((C.INVALID_ARGUMENT, said), [[0]])
    spread = parameters(max_batch_size=8, split_large=True, max_execution_batch_size=2)
    assert played(scenario, spread) == ([1, 2, 3, 4, 5], [[0, 1], [2, 3], [4, 5]])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "currently 1 batches enqueued and max_enqueued_batches is 1"),
        (
            {"split_large": True, "max_execution_batch_size": 4},
            "task size is 2 but scheduling capacity is only 1 (num_enqueued_batches=1, "
            "max_enqueued_batches=1, open_batch_size=3, max_execution_batch_size=4)",
        ),
    ],
    ids=["whole", "split"],
)
def test_full_queue_refuses(fields: dict[str, Any], said: str) -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        running = asyncio.ensure_future(together(outer, served, rows(0, 0, 0, 0)))
        await inner.started.wait()
        waiting = asyncio.ensure_future(together(outer, served, rows(1, 2, 3), rows(4, 5)))
        await asyncio.sleep(0)
        inner.go.set()
        await running
        return await waiting

    asked = parameters(max_enqueued_batches=1, num_batch_threads=1, **fields)
    full = "The batch scheduling queue to which this task was submitted is full; "
    assert played(scenario, asked, held=True) == [[1, 2, 3], (C.UNAVAILABLE, full + said)]


def test_deadline_that_passes_in_the_queue_is_told() -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        with pytest.raises(RequestError) as late:
            await called(outer, served, rows(1), deadline=time.monotonic() - 1.0)
        return late.value.code, late.value.message, inner.ran

    said = "Run() timeout exceeded while waiting in batching queue"
    assert played(scenario, parameters()) == (C.RESOURCE_EXHAUSTED, said, [])


def test_cancelled_call_is_left_out() -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        gone = asyncio.ensure_future(called(outer, served, rows(1)))
        stays = asyncio.ensure_future(called(outer, served, rows(2)))
        await asyncio.sleep(0)
        gone.cancel()
        return (await stays)[0].tolist(), inner.ran

    assert played(scenario, parameters()) == ([2], [[2]])


@pytest.mark.parametrize(
    ("feeds", "fetches", "code", "said"),
    [
        ([], ("y",), C.INVALID_ARGUMENT, "must have at least one input tensor"),
        ([("x", np.array(1))], ("y",), C.INVALID_ARGUMENT, "must have at least one dimension"),
        (
            [("x", np.zeros(1)), ("z", np.zeros(2))],
            ("y",),
            C.INVALID_ARGUMENT,
            "must have equal 0th-dimension size",
        ),
        (rows(1), ("scalar",), C.FAILED_PRECONDITION, "output tensor has 0 dimensions"),
    ],
    ids=["no input", "scalar", "rows differ", "scalar output"],
)
def test_what_cannot_be_batched_is_told(
    feeds: Feeds, fetches: tuple[str, ...], code: grpc.StatusCode, said: str
) -> None:
    async def scenario(outer: BatchingRunner, inner: _Runner, served: ServedVersion) -> Any:
        return (await together(outer, served, feeds, fetches=fetches))[0]

    found, message = played(scenario, parameters())
    assert (found, said in message) == (code, True)


def test_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "batching.config"
    file.write_text(
        "max_batch_size { value: 64 } batch_timeout_micros { value: 2000 }\n"
        "max_enqueued_batches { value: 7 } num_batch_threads { value: 3 }\n"
        "allowed_batch_sizes: 8 allowed_batch_sizes: 64\n"
        "thread_pool_name { value: 'pool' } pad_variable_length_inputs: true\n"
    )
    assert parameters_of_file(file) == BatchingParameters(64, 0.002, 7, 3, (8, 64), True, False, 64)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("max_batch_size: 64", "is no BatchingParameters: 1:"),
        ("max_batch_size { value: 0 }", "max_batch_size must be positive; was 0"),
        ("num_batch_threads { value: 0 }", "num_batch_threads must be positive; was 0"),
        ("batch_timeout_micros { value: -5 }", "batch_timeout_micros must be non-negative; was -5"),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; "
            "expected 8",
        ),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 8 allowed_batch_sizes: 8",
            "allowed_batch_sizes must be positive and increase; were [8, 8]",
        ),
    ],
)
def test_wrong_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "batching.config"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        parameters_of_file(file)
    assert (says in str(error.value), "\n" in str(error.value)) == (True, False)
