"""Streamed features against two others: `python -m benchmarks.parity --data DATA`.

All transactions of the Fraud Detection Handbook and their labels go through the score job (four
partitions, parallelism 2), in both orders. The feature rows in the order of event time are held
against the handbook's own 15 features of 201,295 transactions (counts and flags exactly, amounts,
means and risks to 1e-9 relative) and, bit for bit, against the rows that training makes of all of
them. Those in the order of arrival are held, bit for bit, against a fold of the same records in
the order that their sequence numbers tell.

A table for people, then one JSON object as the last line of standard output; progress goes to
standard error. The exit status is not 0 when a row differs.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from confluent_kafka import KafkaException
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.interruption import INTERRUPTED, sigterm_interrupts
from benchmarks.parity_oracle import Oracle, handbook_oracle
from benchmarks.parity_stream import PARALLELISM, PARTITIONS, Rows, streamed
from benchmarks.progress import say
from jobs.score import ON_ARRIVAL, ON_WATERMARK, Order
from millrace.sources.handbook import labelled, transactions
from training.dataset import Dataset, build
from training.replay import replayed
from udfs.errors import MillraceError
from udfs.features.columns import ColumnReader
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_records import Transaction

_BROKEN_OFF = 4


@dataclass(frozen=True)
class Parity:
    """How many rows are equal.

    Attributes:
        rows: the oracle's.
        equal_rows: of them, those that the stream meets.
        bitwise_rows: of them, those where stream and training agree in every bit.
        streamed_rows: feature rows of the stream.
        streamed_bitwise_rows: of them, those where stream and training agree in every bit.
        training_rows: rows that training makes.
        arrival_rows: feature rows of the stream in order of arrival.
        arrival_bitwise_rows: of them, those that a replay by sequence numbers meets in every bit.
        label_changes: labels that changed what was known of a record, in both orders together.
        frauds: labels that say fraud; each has to be a change in each order.
        late: rows flagged late, in both orders together.
        seconds: of both jobs.
    """

    rows: int
    equal_rows: int
    bitwise_rows: int
    streamed_rows: int
    streamed_bitwise_rows: int
    training_rows: int
    arrival_rows: int
    arrival_bitwise_rows: int
    label_changes: int
    frauds: int
    late: int
    seconds: float

    @property
    def all_equal(self) -> bool:
        """Whether nothing differs and nothing is missing."""
        oracle = self.rows == self.equal_rows == self.bitwise_rows
        stream = self.streamed_rows == self.streamed_bitwise_rows == self.training_rows
        arrival = self.arrival_rows == self.arrival_bitwise_rows == self.training_rows
        return oracle and stream and arrival and self.rows > 0

    def as_json(self) -> dict[str, int | float]:
        """The object of the last line."""
        return {
            "rows": self.rows,
            "equal_rows": self.equal_rows,
            "bitwise_rows": self.bitwise_rows,
            "streamed_rows": self.streamed_rows,
            "streamed_bitwise_rows": self.streamed_bitwise_rows,
            "training_rows": self.training_rows,
            "arrival_rows": self.arrival_rows,
            "arrival_bitwise_rows": self.arrival_bitwise_rows,
            "label_changes": self.label_changes,
            "frauds": self.frauds,
            "late": self.late,
            "features": len(FRAUD.spec.names),
            "partitions": PARTITIONS,
            "parallelism": PARALLELISM,
            "seconds": round(self.seconds, 1),
        }


def measure(data: Path) -> Parity:
    """Streams the transactions and compares.

    Raises:
        MillraceError: files are missing, or the job did not end well.
    """
    oracle = handbook_oracle(data, FRAUD.spec.names)
    say("reading the transactions")
    known = {record.transaction_id: label for record, label in labelled(data)}
    records = list(oracle.in_its_order(transactions(data)))
    labels = [known[record.transaction_id] for record in records]
    with tempfile.TemporaryDirectory(prefix="millrace-parity-") as folder:
        rows = streamed(records, labels, Path(folder))
    say("folding the same transactions as training does")
    dataset = build(FRAUD, zip(records, labels, strict=True))
    say("folding them in the order of arrival")
    return compared(oracle, rows, dataset, records)


def compared(
    oracle: Oracle, both: Mapping[Order, Rows], dataset: Dataset, records: Sequence[Transaction]
) -> Parity:
    """Counts equal rows."""
    rows, arrival = both[ON_WATERMARK], both[ON_ARRIVAL]
    agreed = bitwise(rows.business_ids, rows.features, dataset.business_ids, dataset.features)
    again = bitwise(*_replayed(arrival, records), arrival.business_ids, arrival.features)
    ours = np.unique(rows.business_ids[agreed])
    return Parity(
        rows=len(oracle.transaction_ids),
        equal_rows=int(oracle.equal(rows.business_ids, rows.features).sum()),
        bitwise_rows=int(np.isin(oracle.transaction_ids, ours).sum()),
        streamed_rows=len(rows.business_ids),
        streamed_bitwise_rows=int(agreed.sum()),
        training_rows=len(dataset),
        arrival_rows=len(arrival.business_ids),
        arrival_bitwise_rows=int(again.sum()),
        label_changes=len(rows.changes.change) + len(arrival.changes.change),
        frauds=int(dataset.labels.sum()),
        late=rows.late + arrival.late,
        seconds=rows.seconds + arrival.seconds,
    )


def _replayed(
    rows: Rows, records: Sequence[Transaction]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ids and features of the streamed records, folded by their sequence numbers."""
    columns = ColumnReader(FRAUD.record_type, FRAUD.column_types)(records)
    order = np.argsort(columns[FRAUD.business_id], kind="stable")
    at = order[np.searchsorted(columns[FRAUD.business_id][order], rows.business_ids)]
    streamed = {field: column[at] for field, column in columns.items()}
    found = replayed(FRAUD, streamed, rows.sequence, rows.second_sequence, rows.changes)
    return rows.business_ids, found


def bitwise(
    ids: NDArray[np.int64],
    features: NDArray[np.float64],
    other_ids: NDArray[np.int64],
    other_features: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Which rows (n,) are among the others with the same bits; bool (n,).

    A row that is there twice agrees nowhere.
    """
    order = np.argsort(other_ids, kind="stable")
    known = other_ids[order]
    at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    _, inverse, count = np.unique(ids, return_inverse=True, return_counts=True)
    once = (known[at] == ids) & (count[inverse] == 1)
    ours = np.ascontiguousarray(features).view(np.int64)
    theirs = np.ascontiguousarray(other_features[order[at]]).view(np.int64)
    found: NDArray[np.bool_] = once & (ours == theirs).all(axis=1)
    return found


def show(parity: Parity, console: Console) -> None:
    """Prints the result for people."""
    table = Table(title="Streamed feature rows")
    for heading in ("held against", "rows", "equal"):
        table.add_column(heading, justify="left" if heading == "held against" else "right")
    for name, rows, equal in (
        ("the handbook's features", parity.rows, parity.equal_rows),
        ("training's, bit for bit, same rows", parity.rows, parity.bitwise_rows),
        ("training's, bit for bit, all rows", parity.training_rows, parity.streamed_bitwise_rows),
        ("a replay of the arrivals", parity.arrival_rows, parity.arrival_bitwise_rows),
    ):
        table.add_row(name, f"{rows:,}", f"{equal:,}")
    console.print(table)
    console.print(f"compared: {', '.join(FRAUD.spec.names)}")
    console.print(
        f"frauds told: {parity.frauds:,}; changes of labels in both orders: "
        f"{parity.label_changes:,}; late rows: {parity.late:,}"
    )


def main(argv: Sequence[str]) -> int:
    """Runs the comparison; returns the exit status."""
    sigterm_interrupts()
    given = _parser().parse_args(argv)
    try:
        parity = measure(given.data)
    except KeyboardInterrupt:
        say("interrupted; everything is stopped")
        return INTERRUPTED
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except KafkaException as error:
        print(f"error: the comparison broke off: {error}", file=sys.stderr)
        return _BROKEN_OFF
    show(parity, Console(width=100))
    print(json.dumps(parity.as_json()), flush=True)
    return 0 if parity.all_equal else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.parity",
        description="Streamed features against the handbook's and training's; last line is JSON.",
        epilog="example: make parity DATA=../shared/data",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with the handbook's files, or above it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
