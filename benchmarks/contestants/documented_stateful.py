"""The documented form with the whole work: windows in keyed state, then one call a record.

A ListState of events per customer as PyFlink's examples keep it, folded anew for each record;
what expires is dropped. The call is the one of `documented_async`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor

from benchmarks.assignment import Assignment
from benchmarks.contestants.documented_async import run_with
from udfs.features.values import WindowValues
from udfs.use_cases.fraud import CUSTOMER, assemble_customer

_EVENT = Types.TUPLE([Types.LONG(), Types.LONG()])


class WindowFunction(KeyedProcessFunction):
    """Adds the features of a record to it.

    Key: the customer. State: a ListState of (event time, cents) within the longest window. No
    timers; a record that cannot be decoded ends the job.
    """

    def open(self, runtime_context: RuntimeContext) -> None:
        """Registers the state."""
        self._events = runtime_context.get_list_state(ListStateDescriptor("events", _EVENT))

    def process_element(
        self, value: dict[str, Any], ctx: KeyedProcessFunction.Context
    ) -> Iterator[dict[str, Any]]:
        """Yields the record with its features."""
        now, cents = value["event_time_ms"], value["amount_cents"]
        longest = CUSTOMER.windows_ms[-1]
        events = [(t, c) for t, c in self._events.get() if t > now - longest]
        events.append((now, cents))
        self._events.update(events)
        windows = [[c for t, c in events if now - w < t <= now] for w in CUSTOMER.windows_ms]
        values = WindowValues(
            np.array([[len(window) for window in windows]]),
            np.array([[sum(window) for window in windows]]),
        )
        columns = {"event_time_ms": np.array([now]), "amount_cents": np.array([cents])}
        yield {**value, "features": assemble_customer(columns, {"customer": values})[0].tolist()}


def run(assignment: Assignment) -> None:
    """Runs the documented job with windows over the raw topic."""
    run_with(
        assignment,
        lambda records: records.key_by(lambda one: one["customer_id"], Types.LONG()).process(
            WindowFunction()
        ),
    )
