"""The tasks of one kind that wait, in batches."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc

from millrace.model_server.batching.parameters import BatchingParameters
from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.running import Values, Work
from millrace.model_server.servable import Feeds
from millrace.model_server.served_version import ServedVersion

_FULL = "The batch scheduling queue to which this task was submitted is full; "


@dataclass(eq=False, slots=True)
class Task:
    """Rows that wait, all of a call's or a piece of them.

    Attributes:
        call: the call; its deadline holds, and whether anybody waits for it.
        feeds: what is fed.
        rows: the rows of that.
        done: takes their outputs, or why there are none.
    """

    call: Work
    feeds: Feeds
    rows: int
    done: Callable[[Values | Exception], None]


@dataclass(eq=False, slots=True)
class Batch:
    """Tasks that run together.

    Attributes:
        tasks: the tasks.
        rows: their rows.
        ripe_at: the `time.monotonic()` from which the batch need not be full.
    """

    tasks: list[Task] = field(default_factory=list)
    rows: int = 0
    ripe_at: float = 0.0


class BatchQueue:
    """Batches of calls that feed and fetch the same tensors of a version.

    Args:
        key: what the calls have in common.
        served: the version.
        fetches: what is fetched.
        parameters: how large batches are and how many may wait.
    """

    def __init__(
        self,
        key: Any,
        served: ServedVersion,
        fetches: Sequence[str],
        parameters: BatchingParameters,
    ) -> None:
        self.key = key
        self.served = served
        self.fetches = fetches
        self._parameters = parameters
        self._closed: deque[Batch] = deque()
        self._open = Batch()

    def admit(self, rows: int) -> None:
        """Returns when a task of so many rows may wait here.

        Raises:
            RequestError: it is too large, or too much waits already.
        """
        parameters, waiting = self._parameters, len(self._closed) + 1
        if rows > parameters.max_batch_size:
            raise invalid(
                f"Task size {rows} is larger than maximum input batch size "
                f"{parameters.max_batch_size}"
            )
        room = parameters.batch_rows - self._open.rows
        most = parameters.max_enqueued_batches
        if parameters.split_large:
            capacity = max(most - waiting, 0) * parameters.batch_rows + room
            if rows > capacity:
                raise _full(
                    f"task size is {rows} but scheduling capacity is only {capacity} "
                    f"(num_enqueued_batches={waiting}, max_enqueued_batches={most}, "
                    f"open_batch_size={self._open.rows}, "
                    f"max_execution_batch_size={parameters.batch_rows})"
                )
        elif rows > room and waiting >= most:
            raise _full(f"currently {waiting} batches enqueued and max_enqueued_batches is {most}")

    def room(self) -> int:
        """Rows that still fit into the open batch."""
        return self._parameters.batch_rows - self._open.rows

    def add(self, task: Task, ripe_at: float) -> bool:
        """Puts a task into the open batch; True when it is the first of it."""
        if self._open.rows + task.rows > self._parameters.batch_rows:
            self._close()
        first = not self._open.tasks
        if first:
            self._open.ripe_at = ripe_at
        self._open.tasks.append(task)
        self._open.rows += task.rows
        if self._open.rows >= self._parameters.batch_rows:
            self._close()
        return first

    def _close(self) -> None:
        self._closed.append(self._open)
        self._open = Batch()

    def take(self, now: float) -> Batch | None:
        """The next batch that is full or has waited long enough, taken out of the queue."""
        if self._closed:
            return self._closed.popleft()
        if self._open.tasks and self._open.ripe_at <= now:
            batch, self._open = self._open, Batch()
            return batch
        return None

    @property
    def full(self) -> bool:
        """Whether a batch waits that takes no more."""
        return bool(self._closed)

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._closed and not self._open.tasks


def _full(reason: str) -> RequestError:
    return RequestError(grpc.StatusCode.UNAVAILABLE, _FULL + reason)
