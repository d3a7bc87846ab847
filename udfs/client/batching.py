"""Cuts blocks of rows into calls, and joins small ones, as limits say that are found meanwhile."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.client.blocks import Part
from udfs.client.limits import AdaptiveLimits, Limits, Search
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome, bad_reply
from udfs.client.predict import PredictionClient

_BUSY = {FailureReason.OVERLOADED, FailureReason.DEADLINE}
_LOST = {FailureReason.CIRCUIT_OPEN, FailureReason.UNAVAILABLE, FailureReason.CANCELLED}


@dataclass(slots=True, eq=False)
class _Work:
    """A block on its way.

    Attributes:
        inputs: arrays by input name, n rows each.
        rows: n.
        deadline_s: when its time is over, on the loop's clock.
        sent: rows that are in a call or were.
        parts: what came back.
        done: has its result when all rows have theirs.
    """

    inputs: Mapping[str, NDArray[Any]]
    rows: int
    deadline_s: float
    done: asyncio.Future[list[Part]]
    sent: int = 0
    answered: int = 0
    parts: list[Part] = field(default_factory=list)

    def end(self, part: Part) -> None:
        """Takes a part; the block ends with its last."""
        self.parts.append(part)
        self.answered += part.end - part.begin
        if self.answered == self.rows and not self.done.done():
            self.done.set_result(sorted(self.parts, key=lambda each: each.begin))


_Piece = tuple[_Work, int, int]


class AdaptiveBatching:
    """Asks one model for blocks of rows; limits of calls follow what its server can do.

    Blocks wait in a line. Whenever fewer calls are in flight than the limit, a call takes as many
    rows from its head as the other limit says: a part of a large block, or several small ones.

    Args:
        client: makes the calls.
        model_name: the model.
        signature_name: the signature.
        search: the latency objective, and how limits are found.
    """

    def __init__(
        self, client: PredictionClient, model_name: str, signature_name: str, search: Search
    ) -> None:
        self._client = client
        self._model_name = model_name
        self._signature_name = signature_name
        self._limits = AdaptiveLimits(search)
        self._line: deque[_Work] = deque()
        self._in_flight = 0
        # The loop keeps weak references only.
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def limits(self) -> Limits:
        """What holds now."""
        return self._limits.now

    async def ask(self, inputs: Mapping[str, NDArray[Any]], *, deadline_s: float) -> list[Part]:
        """What became of all rows, in order, in as many parts as there were calls.

        Args:
            inputs: arrays by input name, with the same number of rows, at least one.
            deadline_s: seconds for all calls together, waiting included.
        """
        loop = asyncio.get_running_loop()
        rows = len(next(iter(inputs.values())))
        work = _Work(inputs, rows, loop.time() + deadline_s, loop.create_future())
        self._line.append(work)
        # Later in this turn of the loop, so that blocks that arrive together can be joined.
        loop.call_soon(self._send)
        return await work.done

    def _send(self) -> None:
        while self._line and self._in_flight < self._limits.now.calls:
            self._in_flight += 1
            task = asyncio.get_running_loop().create_task(self._call(self._taken()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not self._line and self._in_flight < self._limits.now.calls:
            self._limits.idle()

    def _taken(self) -> list[_Piece]:
        """Rows from the head of the line, at most as many as a call may have."""
        left, pieces = self._limits.now.rows, []
        while left and self._line:
            work = self._line[0]
            end = min(work.rows, work.sent + left)
            pieces.append((work, work.sent, end))
            left -= end - work.sent
            work.sent = end
            if end == work.rows:
                self._line.popleft()
        return pieces

    async def _call(self, pieces: list[_Piece]) -> None:
        loop, limits = asyncio.get_running_loop(), self._limits.now
        rows, start_s = sum(end - begin for _, begin, end in pieces), loop.time()
        outcome: Outcome = Failure(FailureReason.CANCELLED, "the call was given up")
        try:
            outcome = await self._client.predict(
                self._model_name,
                _joined(pieces),
                deadline_s=min(work.deadline_s for work, _, _ in pieces) - start_s,
                signature_name=self._signature_name,
            )
        except Exception as error:
            outcome = Failure(FailureReason.INTERNAL, repr(error))
        finally:
            self._in_flight -= 1
            self._hand_out(pieces, outcome, rows)
            self._learn(outcome, rows, start_s, loop.time(), limits)
            self._send()

    def _learn(
        self, outcome: Outcome, rows: int, start_s: float, now_s: float, limits: Limits
    ) -> None:
        reason = outcome.reason if isinstance(outcome, Failure) else None
        # An outage says nothing about how much a server can do.
        if reason not in _LOST:
            ok = reason not in _BUSY
            self._limits.ended(rows, now_s - start_s, now_s, ok=ok, limits=limits)

    def _hand_out(self, pieces: list[_Piece], outcome: Outcome, rows: int) -> None:
        if isinstance(outcome, Answer):
            outcome = _of_rows(outcome, rows)
        at = 0
        for work, begin, end in pieces:
            own = outcome
            if isinstance(own, Answer):
                own = replace(own, outputs=_cut(own.outputs, at, at + end - begin))
            work.end(Part(begin, end, own))
            at += end - begin


def _joined(pieces: list[_Piece]) -> Mapping[str, NDArray[Any]]:
    names = pieces[0][0].inputs
    cuts = {name: [w.inputs[name][begin:end] for w, begin, end in pieces] for name in names}
    return {name: cut[0] if len(cut) == 1 else np.concatenate(cut) for name, cut in cuts.items()}


def _of_rows(answer: Answer, rows: int) -> Outcome:
    """The answer, or a failure when an output cannot be handed out by rows."""
    for name, output in answer.outputs.items():
        if not output.ndim or len(output) != rows:
            return bad_reply(
                f"{answer.model_name} version {answer.version}: output {name} has shape "
                f"{output.shape} for {rows} rows",
                FailureReason.WRONG_ROWS,
            )
    return answer


def _cut(outputs: Mapping[str, NDArray[Any]], begin: int, end: int) -> dict[str, NDArray[Any]]:
    return {name: output[begin:end] for name, output in outputs.items()}
