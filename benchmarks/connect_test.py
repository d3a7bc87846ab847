"""The example for Kafka Connect with Debezium, run and counted: `make connect-test`.

A table of generated transactions is read by the connector as `deploy/connect` has it, more rows are
inserted, and the Connect worker is killed again and again while they are. Afterwards every row has
to be in the raw topic exactly once, as the use case's record, keyed by the text of its entity key
and where our own producer puts that key. It needs a PostgreSQL server on this machine.

The last line of standard output is one JSON object; progress goes to standard error. The exit
status is not 0 when something could not be measured or does not hold.
"""

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from benchmarks.connect.found import Found, compare
from benchmarks.connect.postgres import Postgres
from benchmarks.connect.worker import Worker
from benchmarks.interruption import INTERRUPTED, sigterm_interrupts
from benchmarks.kill.job import NotMeasured
from benchmarks.kill.records import create_topics
from benchmarks.progress import say
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import Offsets, end_offsets, read
from millrace.sources.generator import past
from millrace.sources.produce import produce
from millrace.sources.records import encoded
from millrace.stack.broker import Broker
from millrace.stack.processes import wait_until
from udfs.errors import MillraceError
from udfs.use_cases.fraud import FRAUD, Transaction

_EXAMPLE = Path(__file__).resolve().parents[1] / "deploy" / "connect" / "debezium-postgres.json"
_OTHER = "other"
_RAW, _OWN = (f"{name}.raw" for name in (FRAUD.name, _OTHER))
_ROWS_AN_INSERT = 20
_MOST_INSERTED = 400_000
_END_MS = 1_750_000_000_000
_DEADLINE_S = 120.0
_BROKEN_OFF = 4


def measure(count: int, kills: int) -> Found:
    """Runs the example on a table of `count` rows that grows while the worker is killed."""
    size, span = count + _MOST_INSERTED, timedelta(days=60)
    rows = [row for row, _ in past(FRAUD, seed=1, count=size, span=span, end_ms=_END_MS)]
    with tempfile.TemporaryDirectory(prefix="millrace-connect-") as name:
        folder = Path(name)
        with Broker(folder) as broker, Postgres(folder) as database:
            cluster = Cluster(broker.bootstrap_servers)
            create_topics(cluster.bootstrap_servers, (FRAUD.name, _OTHER))
            database.insert(rows[:count])
            worker = Worker(folder, cluster.bootstrap_servers)
            inserted = _Trial(worker, database, cluster, rows).run(count, kills)
            records = list(read(cluster, _RAW))
            return compare(rows[:inserted], records, _places(cluster, rows[:inserted]), kills)


class _Trial:
    """The example at work, and what befalls it."""

    def __init__(
        self, worker: Worker, database: Postgres, cluster: Cluster, rows: Sequence[Transaction]
    ) -> None:
        self._worker, self._database, self._cluster, self._rows = worker, database, cluster, rows
        self._counted = 0
        self._counted_until: Offsets | None = None

    def run(self, count: int, kills: int) -> int:
        """Waits for the first rows, then kills the worker amid inserts; how many rows there are."""
        process = self._worker.start()
        try:
            connector = self._worker.apply(_EXAMPLE, self._database)
            self._wait(count)
            say(f"{count:,} rows of the table arrived; inserting more")
            enough = threading.Event()
            with ThreadPoolExecutor(1) as pool:
                inserting = pool.submit(self._insert, count, enough)
                try:
                    for kill in range(kills):
                        self._wait(self._seen() + 1)
                        process.kill()
                        say(f"kill -9 of the worker, {kill + 1} of {kills}")
                        process = self._worker.start()
                        self._worker.wait_until_running(connector)
                finally:
                    enough.set()
                inserted = inserting.result()
            say(f"{inserted:,} rows in the table; waiting for the last of them")
            self._wait(inserted)
            return inserted
        finally:
            process.stop()

    def _insert(self, start: int, enough: threading.Event) -> int:
        """Inserts a few rows at a time until it is enough; how many rows the table has then."""
        while not enough.is_set() and start < len(self._rows):
            some = self._rows[start : start + _ROWS_AN_INSERT]
            self._database.insert(some)
            start += len(some)
        return start

    def _wait(self, records: int) -> None:
        if not wait_until(lambda: self._seen() >= records, _DEADLINE_S):
            raise NotMeasured(
                f"{self._seen():,} of {records:,} rows arrived; {self._worker.folder}"
            )

    def _seen(self) -> int:
        """How many records the raw topic has by now; goes on where it was the last time."""
        end = end_offsets(self._cluster, _RAW)
        new = read(self._cluster, _RAW, start=self._counted_until, end=end)
        self._counted += sum(1 for _ in new)
        self._counted_until = end
        return self._counted


def _places(cluster: Cluster, rows: Sequence[Transaction]) -> dict[bytes, int]:
    """Where our own producer puts each key."""
    by_customer = {row.customer_id: row for row in rows}
    produce(encoded(FRAUD, by_customer.values()), topic=_OWN, cluster=cluster)
    return {record.key or b"": record.partition for record in read(cluster, _OWN)}


def main(argv: Sequence[str]) -> int:
    """Runs the test; the exit status."""
    sigterm_interrupts()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.connect_test",
        description="Debezium's example through kill -9 of its worker; the last line is JSON.",
        epilog="example: python -m benchmarks.connect_test --rows 50000 --kills 5",
    )
    parser.add_argument("--rows", type=int, default=20_000, help="at first; default 20,000")
    parser.add_argument("--kills", type=int, default=3, help="of the worker; default 3")
    given = parser.parse_args(argv)
    try:
        found = measure(given.rows, given.kills)
    except KeyboardInterrupt:
        say("interrupted; everything is stopped")
        return INTERRUPTED
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return _BROKEN_OFF if isinstance(error, NotMeasured) else error.exit_status
    print(json.dumps({**asdict(found), "right": found.right()}), flush=True)
    return 0 if found.right() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
