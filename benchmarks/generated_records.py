"""Raw records of an installed use case, written in bulk: `python -m benchmarks.generated_records`.

What its own generator makes, with business ids counted up from `FIRST_ID`, so that outcomes are
checked as those of the benchmark's transactions are.
"""

import sys
from collections.abc import Iterator
from operator import attrgetter

import msgspec
from confluent_kafka import Producer

from benchmarks.raw_records import BULK, FIRST_ID, START_MS, queue
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import find_use_case

SPANS_MS = {"recommendation": 30 * 86_400_000, "maintenance": 3_600_000}
"""Event time that the records of a use case cover: a machine lives for some minutes only."""
_SEED = 1


def generated(use_case: UseCase, count: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Event time, key and value of `count` records in event-time order.

    >>> time_ms, key, value = next(generated(find_use_case("recommendation"), 2))
    >>> value[:19]
    b'{"click_id":1000000'
    """
    key, time_ms = attrgetter(use_case.entity_key), attrgetter(use_case.event_time)
    encode, replace = msgspec.json.Encoder().encode, msgspec.structs.replace
    records = use_case.generate(_SEED, START_MS, count, SPANS_MS[use_case.name])
    for number, (record, _) in enumerate(records, start=FIRST_ID):
        own = replace(record, **{use_case.business_id: number})
        yield time_ms(own), b"%d" % key(own), encode(own)


def write(bootstrap_servers: str, topic: str, use_case: str, count: int) -> None:
    """Writes `count` records to a topic."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, **BULK})
    for _, key, value in generated(find_use_case(use_case), count):
        queue(producer, topic, value, key)
    producer.flush()


if __name__ == "__main__":
    servers, name, case, records = sys.argv[1:]
    write(servers, name, case, int(records))
