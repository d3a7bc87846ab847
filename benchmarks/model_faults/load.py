"""Transactions at a steady rate, for as long as a job is watched."""

import threading
import time
from types import TracebackType

import numpy as np
from confluent_kafka import Producer

from benchmarks.raw_records import raw_value

CUSTOMERS = 20_000
_TERMINALS = 10_000
_MAX_CENTS = 20_000
_TICK_S = 0.02
_FLUSH_S = 30.0


class Load:
    """Sends records from its start until it is stopped.

    Args:
        bootstrap_servers: the broker.
        topic: the raw topic.
        rate: records a second.
        seed: of customers, terminals and amounts.

    Attributes:
        bootstrap_servers: the broker.
        sent: records that were handed to the producer.
    """

    def __init__(self, bootstrap_servers: str, topic: str, *, rate: int, seed: int) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.sent = 0
        self._topic, self._rate = topic, rate
        self._draw = np.random.default_rng(seed)
        self._producer = Producer(
            {"bootstrap.servers": bootstrap_servers, "enable.idempotence": True, "linger.ms": 5}
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> "Load":
        """Begins to send."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops sending."""
        self.stop()

    def stop(self) -> None:
        """Stops sending; afterwards all that was sent is in the topic.

        Raises:
            TimeoutError: the broker did not take it all.
        """
        if not self._stopping.is_set():
            self._stopping.set()
            self._thread.join()
            if self._producer.flush(_FLUSH_S):
                raise TimeoutError(f"{self._topic} could not be written")

    def _run(self) -> None:
        begin = time.monotonic()
        while not self._stopping.wait(_TICK_S):
            due = int((time.monotonic() - begin) * self._rate)
            self._send(due - self.sent)

    def _send(self, count: int) -> None:
        columns = (self._draw.integers(1, most, count) for most in (CUSTOMERS, _TERMINALS))
        customers, terminals = (column.tolist() for column in columns)
        now_ms = time.time_ns() // 1_000_000
        for customer, terminal in zip(customers, terminals, strict=True):
            cents = 1 + self.sent * 7919 % _MAX_CENTS
            value = raw_value(self.sent, customer, terminal, cents, now_ms)
            self._producer.produce(self._topic, value, b"%d" % customer)
            self.sent += 1
        self._producer.poll(0)
