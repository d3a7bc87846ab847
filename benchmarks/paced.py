"""A producer that keeps a pace: `python -m benchmarks.paced SERVERS TOPIC PHASES`.

PHASES is a JSON list of [records/s, seconds]. A rate of 0 is a pause. When a phase is over, its
begin and end (wall clock, milliseconds) are printed as a line of JSON.
"""

import json
import sys
import time
from collections.abc import Sequence

import numpy as np
from confluent_kafka import Producer

from benchmarks.raw_records import raw_value

_TICK_S = 0.001
_CUSTOMERS = 5_000
_TERMINALS = 10_000
_MAX_CENTS = 20_000
_POOL = 1 << 16


class PacedProducer:
    """Sends transactions of the present time at a given rate, each as soon as it is due."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "linger.ms": 0,
                "acks": "1",
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        generator = np.random.default_rng(1)
        self._customers = generator.integers(0, _CUSTOMERS, _POOL).tolist()
        self._terminals = generator.integers(0, _TERMINALS, _POOL).tolist()
        self._cents = generator.integers(1, _MAX_CENTS, _POOL).tolist()
        self._sent = 0

    def phase(self, rate: float, seconds: float) -> tuple[int, int]:
        """Sends for some seconds; returns begin and end in wall clock milliseconds."""
        begin, first = time.time(), self._sent
        while (passed := time.time() - begin) < seconds:
            self._send_until(first + int(passed * rate))
            self._producer.poll(0)
            time.sleep(_TICK_S)
        self._producer.flush()
        return int(begin * 1000), int(time.time() * 1000)

    def _send_until(self, due: int) -> None:
        time_ms = int(time.time() * 1000)
        while self._sent < due:
            number, place = self._sent, self._sent % _POOL
            customer = self._customers[place]
            value = raw_value(number, customer, self._terminals[place], self._cents[place], time_ms)
            self._producer.produce(self._topic, value, b"%d" % customer)
            self._sent += 1


def main(argv: Sequence[str]) -> None:
    """Goes through the phases."""
    producer = PacedProducer(argv[0], argv[1])
    for rate, seconds in json.loads(argv[2]):
        print(json.dumps(producer.phase(rate, seconds)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
