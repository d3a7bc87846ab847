"""Runs calls in batches."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from millrace.model_server.batching.merging import merged, rows_of, split
from millrace.model_server.batching.parameters import BatchingParameters
from millrace.model_server.batching.queue import Batch, BatchQueue, Task
from millrace.model_server.errors import RequestError
from millrace.model_server.observer import Observer
from millrace.model_server.running import Runner
from millrace.model_server.servable import Feeds
from millrace.model_server.served_version import ServedVersion

_EXPIRED = "Run() timeout exceeded while waiting in batching queue"


class BatchingRunner:
    """Puts calls that feed and fetch the same tensors together before they run.

    Calls of other shapes or types wait in a queue of their own: one request that does not fit
    the others cannot fail them, which it does in TensorFlow Serving.

    Args:
        runner: runs the batches.
        parameters: how calls are put together.
        observer: is told of batches.
    """

    def __init__(self, runner: Runner, parameters: BatchingParameters, observer: Observer) -> None:
        self._runner = runner
        self._parameters = parameters
        self._observer = observer
        self._queues: dict[Any, BatchQueue] = {}
        self._free = parameters.num_batch_threads
        self._running: set[asyncio.Task[None]] = set()

    async def run(
        self,
        served: ServedVersion,
        feeds: Feeds,
        fetches: Sequence[str],
        deadline: float | None = None,
    ) -> Sequence[NDArray[Any]]:
        """The fetched values. Raises RequestError as TensorFlow Serving's batching does."""
        rows = rows_of(feeds)
        if not rows:
            return await self._runner.run(served, feeds, fetches, deadline)
        with served.in_use():
            queue = self._queue(served, feeds, fetches)
            queue.admit(rows)
            first = min(rows, queue.room()) if self._parameters.split_large else rows
            if first == rows:
                return await self._submit(queue, Task(feeds, rows, deadline, _future()))
            return await self._in_pieces(queue, feeds, first, deadline)

    async def _in_pieces(
        self, queue: BatchQueue, feeds: Feeds, first: int, deadline: float | None
    ) -> Sequence[NDArray[Any]]:
        limit, rows = self._parameters.batch_rows, rows_of(feeds)
        starts = [0, *range(first, rows, limit)]
        pieces = []
        for start, end in zip(starts, [*starts[1:], rows], strict=True):
            part = [(name, array[start:end]) for name, array in feeds]
            pieces.append(self._submit(queue, Task(part, end - start, deadline, _future())))
        found = await asyncio.gather(*pieces)
        return [np.concatenate(values) for values in zip(*found, strict=True)]

    def _queue(self, served: ServedVersion, feeds: Feeds, fetches: Sequence[str]) -> BatchQueue:
        pad = self._parameters.pad_variable_length_inputs
        kinds = tuple(
            (name, array.dtype, array.ndim if pad else array.shape[1:]) for name, array in feeds
        )
        key = served, kinds, tuple(fetches)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = BatchQueue(key, served, fetches, self._parameters)
        return queue

    def _submit(self, queue: BatchQueue, task: Task) -> asyncio.Future[Sequence[NDArray[Any]]]:
        loop = asyncio.get_running_loop()
        timeout_s = self._parameters.batch_timeout_s
        # A piece before this one may have emptied the queue, which takes it off the list.
        self._queues.setdefault(queue.key, queue)
        first = queue.add(task, loop.time() + timeout_s)
        if queue.room() == self._parameters.batch_rows:
            self._dispatch()
        elif first and timeout_s:
            loop.call_later(timeout_s, self._dispatch)
        elif first:
            # Without a timeout too, what arrives in the same turn of the loop runs together.
            loop.call_soon(self._dispatch)
        return task.done

    def _dispatch(self) -> None:
        # A timer may come a trifle before the time that it was set for.
        now = asyncio.get_running_loop().time() + 1e-6
        for key, queue in list(self._queues.items()):
            while self._free and (batch := queue.take(now)):
                self._start(queue, batch)
            if queue.empty:
                del self._queues[key]

    def _start(self, queue: BatchQueue, batch: Batch) -> None:
        self._free -= 1
        task = asyncio.get_running_loop().create_task(self._process(queue, batch))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free += 1
        if self._queues:
            self._dispatch()

    async def _process(self, queue: BatchQueue, batch: Batch) -> None:
        # Who was cancelled meanwhile is not run any more.
        tasks = [task for task in batch.tasks if not task.done.done()]
        if not tasks:
            return
        try:
            outputs = await self._outputs(queue, tasks)
        except Exception as error:
            for task in tasks:
                if not task.done.done():
                    task.done.set_exception(error)
            return
        for task, values in zip(tasks, outputs, strict=True):
            if not task.done.done():
                task.done.set_result(values)

    async def _outputs(
        self, queue: BatchQueue, tasks: Sequence[Task]
    ) -> Sequence[Sequence[NDArray[Any]]]:
        now = time.monotonic()
        if all(task.deadline is not None and task.deadline <= now for task in tasks):
            raise RequestError(grpc.StatusCode.RESOURCE_EXHAUSTED, _EXPIRED)
        parameters = self._parameters
        sizes = [task.rows for task in tasks]
        padded = parameters.padded(sum(sizes))
        feeds = merged(
            [task.feeds for task in tasks],
            padded - sum(sizes),
            pad_lengths=parameters.pad_variable_length_inputs,
        )
        values = await self._runner.run(queue.served, feeds, queue.fetches)
        self._observer.batched(queue.served.name, sum(sizes), padded - sum(sizes))
        if len(tasks) == 1 and padded == sizes[0] and all(_rowwise(v, padded) for v in values):
            return [values]
        return split(values, sizes, padded)


def _rowwise(value: NDArray[Any], rows: int) -> bool:
    return value.ndim > 0 and len(value) == rows


def _future() -> asyncio.Future[Sequence[NDArray[Any]]]:
    return asyncio.get_running_loop().create_future()
