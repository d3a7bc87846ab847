"""Alerts from predictions into SQLite, each exactly once: a consumer to start one's own from.

    python examples/alert_consumer.py --topic fraud.predictions --database alerts.db

Three things make it exactly-once, whatever dies and whenever:

- It reads committed records only, so what an aborted transaction wrote is never seen.
- Alerts and the offsets up to which they were taken go into the database in one transaction. A
  restart goes on from the offsets in the database; Kafka's own are not used.
- An alert's primary key is its prediction id, which is the same after any replay. So predictions
  that come twice (`score.guarantee = "at-least-once"`) are one alert.

What goes on from here, an e-mail or a call, should read the table by `taken` and mark what it
sent: the database is then its outbox.
"""

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

_BATCH = 1_000
_POLL_S = 0.5
_TIMEOUT_S = 10.0
_TABLES = """
CREATE TABLE IF NOT EXISTS alerts (
    prediction_id TEXT PRIMARY KEY,
    business_id TEXT NOT NULL,
    output REAL,
    route TEXT NOT NULL,
    event_time_ms INTEGER NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS offsets (
    topic TEXT NOT NULL,
    kafka_partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    PRIMARY KEY (topic, kafka_partition)
);
"""


def open_database(path: str) -> sqlite3.Connection:
    """The database with its tables; transactions are begun and ended by hand."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(_TABLES)
    return database


def open_consumer(bootstrap_servers: str) -> Consumer:
    """A consumer whose offsets are the database's affair."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "alert-consumer",  # the client asks for one; nothing is committed to it
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            # Offsets that the topic has deleted meanwhile are lost alerts: stop and say so.
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
        }
    )


def begin(consumer: Consumer, database: sqlite3.Connection, topic: str) -> set[int]:
    """Assigns all partitions from where the database is; the partitions."""
    known = dict(
        database.execute(
            "SELECT kafka_partition, next_offset FROM offsets WHERE topic = ?", (topic,)
        )
    )
    metadata = consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    places = []
    for partition in metadata.partitions:
        first, _ = consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=_TIMEOUT_S
        )
        places.append(TopicPartition(topic, partition, known.get(partition, first)))
    consumer.assign(places)
    return set(metadata.partitions)


def batches(consumer: Consumer, partitions: set[int], once: bool) -> Iterator[list[Message]]:
    """Records as they come; with `once` until the end of each partition was seen."""
    open_ends = set(partitions)
    while open_ends:
        records = []
        for message in consumer.consume(_BATCH, _POLL_S):
            error = message.error()
            if error is None:
                records.append(message)
            elif error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            elif once:
                open_ends.discard(message.partition())
        if records:
            yield records


def take(database: sqlite3.Connection, records: Sequence[Message]) -> int:
    """Stores the alerts of some records and how far they go, both or neither; new alerts."""
    before = database.total_changes
    database.execute("BEGIN IMMEDIATE")
    try:
        for record in records:
            prediction = json.loads(record.value())
            if prediction["decision"]:
                names = ("prediction_id", "business_id", "output", "route", "event_time_ms")
                database.execute(
                    "INSERT INTO alerts (prediction_id, business_id, output, route, event_time_ms)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT (prediction_id) DO NOTHING",
                    [prediction[name] for name in names],
                )
        alerts = database.total_changes - before
        database.executemany(
            "INSERT INTO offsets VALUES (?, ?, ?) ON CONFLICT (topic, kafka_partition)"
            " DO UPDATE SET next_offset = excluded.next_offset",
            [(r.topic(), r.partition(), r.offset() + 1) for r in records],
        )
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
    return alerts


def main(argv: Sequence[str]) -> int:
    """Runs until Ctrl-C, or to the end of the topic; the exit status."""
    parser = argparse.ArgumentParser(
        description="Alerts from predictions into SQLite, each exactly once.",
        epilog="example: python examples/alert_consumer.py --topic fraud.predictions --once",
    )
    parser.add_argument("--bootstrap-servers", default="127.0.0.1:9092")
    parser.add_argument("--topic", default="fraud.predictions")
    parser.add_argument("--database", default="alerts.db")
    parser.add_argument("--once", action="store_true", help="end at the newest record")
    given = parser.parse_args(argv)
    alerts = records = 0
    try:
        with (
            closing(open_database(given.database)) as database,
            closing(open_consumer(given.bootstrap_servers)) as consumer,
        ):
            partitions = begin(consumer, database, given.topic)
            for batch in batches(consumer, partitions, given.once):
                new = take(database, batch)
                alerts += new
                records += len(batch)
                if new and not given.once:
                    print(f"{new} new alerts", flush=True)
    except KeyboardInterrupt:
        pass  # the open transaction, if any, was rolled back: nothing is half done
    except (KafkaException, sqlite3.Error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{alerts} new alerts from {records} predictions in {given.database}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
