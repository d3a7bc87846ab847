"""Runs calls in batches."""

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc

from millrace.model_server.batching.merging import merged, rows_of, split
from millrace.model_server.batching.parameters import BatchingParameters
from millrace.model_server.batching.pieces import Pieces
from millrace.model_server.batching.queue import Batch, BatchQueue, Task
from millrace.model_server.errors import RequestError
from millrace.model_server.observer import Observer
from millrace.model_server.running import Runner, Values, Work
from millrace.model_server.turns import later, soon

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
        # Calls come and batches end in several threads.
        self._lock = threading.Lock()
        self._here = threading.local()

    def submit(self, work: Work) -> None:
        """Has the work run in a batch, or in several where it may be spread.

        Raises:
            RequestError: as TensorFlow Serving's batching refuses it.
        """
        rows = rows_of(work.feeds)
        if not rows:
            self._runner.submit(work)
            return
        with self._lock:
            queue = self._queue(work)
            queue.admit(rows)
            ripe_at, opened = time.monotonic() + self._parameters.batch_timeout_s, False
            for task in self._tasks(work, rows, queue.room()):
                opened |= queue.add(task, ripe_at)
            self._queues[queue.key] = queue
            full = queue.full
        if full:
            self._dispatch()
        if opened and self._parameters.batch_timeout_s:
            later(self._parameters.batch_timeout_s, self._dispatch)
        elif opened and not queue.empty:
            # Without a timeout too, what arrives in the same turn runs together.
            soon(self._dispatch)

    def _tasks(self, work: Work, rows: int, room: int) -> Sequence[Task]:
        first = min(rows, room) if self._parameters.split_large else rows
        if first == rows:
            return [Task(work, work.feeds, rows, work.done)]
        starts = [0, *range(first, rows, self._parameters.batch_rows)]
        pieces = Pieces(len(starts), work.done)
        return [
            Task(
                work,
                [(name, array[start:end]) for name, array in work.feeds],
                end - start,
                partial(pieces.done, place),
            )
            for place, (start, end) in enumerate(zip(starts, [*starts[1:], rows], strict=True))
        ]

    def _queue(self, work: Work) -> BatchQueue:
        pad = self._parameters.pad_variable_length_inputs
        kinds = tuple(
            (name, array.dtype, array.ndim if pad else array.shape[1:])
            for name, array in work.feeds
        )
        key = work.served, kinds, tuple(work.fetches)
        queue = self._queues.get(key)
        return queue or BatchQueue(key, work.served, work.fetches, self._parameters)

    def _dispatch(self) -> None:
        # A batch that runs on this thread ends inside the loop, which then takes the next one.
        self._here.starting = True
        try:
            while (taken := self._next()) is not None:
                self._start(*taken)
        finally:
            self._here.starting = False

    def _next(self) -> tuple[BatchQueue, Batch] | None:
        # A timer may come a trifle before the time that it was set for.
        now = time.monotonic() + 1e-6
        with self._lock:
            for key, queue in list(self._queues.items()):
                batch = queue.take(now) if self._free else None
                if queue.empty:
                    del self._queues[key]
                if batch is not None:
                    self._free -= 1
                    return queue, batch
        return None

    def _start(self, queue: BatchQueue, batch: Batch) -> None:
        # Who has gone meanwhile is not run any more.
        tasks: list[Task] = []
        gone: list[Task] = []
        for task in batch.tasks:
            (gone if task.call.gone else tasks).append(task)
        try:
            self._run(queue, tasks)
        except Exception as error:
            self._ended(tasks, error)
        for task in gone:
            task.done(RequestError(grpc.StatusCode.CANCELLED, "The caller is gone."))

    def _run(self, queue: BatchQueue, tasks: Sequence[Task]) -> None:
        if not tasks:
            self._ended(tasks, [])
            return
        now = time.monotonic()
        if all(task.call.deadline is not None and task.call.deadline <= now for task in tasks):
            raise RequestError(grpc.StatusCode.RESOURCE_EXHAUSTED, _EXPIRED)
        parameters = self._parameters
        sizes = [task.rows for task in tasks]
        padding = parameters.padded(sum(sizes)) - sum(sizes)
        feeds = merged(
            [task.feeds for task in tasks],
            padding,
            pad_lengths=parameters.pad_variable_length_inputs,
        )

        def done(outcome: Values | Exception) -> None:
            if isinstance(outcome, Exception):
                self._ended(tasks, outcome)
                return
            self._observer.batched(queue.served.name, sum(sizes), padding)
            self._ended(tasks, _parts(outcome, sizes, padding))

        self._runner.submit(Work(queue.served, feeds, queue.fetches, done))

    def _ended(self, tasks: Sequence[Task], outcome: Sequence[Values] | Exception) -> None:
        with self._lock:
            self._free += 1
        for place, task in enumerate(tasks):
            task.done(outcome if isinstance(outcome, Exception) else outcome[place])
        if not getattr(self._here, "starting", False) and self._queues:
            self._dispatch()


def _parts(values: Values, sizes: Sequence[int], padding: int) -> Sequence[Values] | Exception:
    padded = sum(sizes) + padding
    if len(sizes) == 1 and not padding and all(v.ndim and len(v) == padded for v in values):
        return [values]
    try:
        return split(values, sizes, padded)
    except RequestError as error:
        return error
