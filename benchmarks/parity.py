"""Streamed features against two others: `python -m benchmarks.parity --data DATA`.

All transactions of the Fraud Detection Handbook go through the score job (four partitions,
parallelism 2). Its feature rows are held against the handbook's own features of 201,295 of them
(counts and flags exactly, amounts and means to 1e-9 relative) and, bit for bit, against the rows
that training makes of all of them. The oracle's terminal features are not compared: the use case
has the customer's and the transaction's own.

A table for people, then one JSON object as the last line of standard output; progress goes to
standard error. The exit status is not 0 when a row differs.
"""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
from confluent_kafka import KafkaException
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.parity_oracle import Oracle, customer_oracle
from benchmarks.parity_stream import PARALLELISM, PARTITIONS, Rows, streamed
from benchmarks.progress import say
from millrace.sources.handbook import transactions
from training.dataset import Dataset, build
from udfs.errors import MillraceError
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_records import Transaction

_INTERRUPTED, _BROKEN_OFF = 130, 4


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
        seconds: of the job.
    """

    rows: int
    equal_rows: int
    bitwise_rows: int
    streamed_rows: int
    streamed_bitwise_rows: int
    training_rows: int
    seconds: float

    @property
    def all_equal(self) -> bool:
        """Whether nothing differs and nothing is missing."""
        oracle = self.rows == self.equal_rows == self.bitwise_rows
        stream = self.streamed_rows == self.streamed_bitwise_rows == self.training_rows
        return oracle and stream and self.rows > 0

    def as_json(self) -> dict[str, int | float]:
        """The object of the last line."""
        return {
            "rows": self.rows,
            "equal_rows": self.equal_rows,
            "bitwise_rows": self.bitwise_rows,
            "streamed_rows": self.streamed_rows,
            "streamed_bitwise_rows": self.streamed_bitwise_rows,
            "training_rows": self.training_rows,
            "partitions": PARTITIONS,
            "parallelism": PARALLELISM,
            "seconds": round(self.seconds, 1),
        }


def measure(data: Path) -> Parity:
    """Streams the transactions and compares.

    Raises:
        MillraceError: files are missing, or the job did not end well.
    """
    oracle = customer_oracle(data, FRAUD.spec.names)
    say("reading the transactions")
    records = list(oracle.in_its_order(transactions(data)))
    with tempfile.TemporaryDirectory(prefix="millrace-parity-") as folder:
        rows = streamed(records, Path(folder))
    say("folding the same transactions as training does")
    return compared(oracle, rows, _training(records))


def compared(oracle: Oracle, rows: Rows, dataset: Dataset) -> Parity:
    """Counts equal rows."""
    agreed = bitwise(rows, dataset)
    ours = np.unique(rows.business_ids[agreed])
    return Parity(
        rows=len(oracle.transaction_ids),
        equal_rows=int(oracle.equal(rows.business_ids, rows.features).sum()),
        bitwise_rows=int(np.isin(oracle.transaction_ids, ours).sum()),
        streamed_rows=len(rows.business_ids),
        streamed_bitwise_rows=int(agreed.sum()),
        training_rows=len(dataset),
        seconds=rows.seconds,
    )


def bitwise(rows: Rows, dataset: Dataset) -> NDArray[np.bool_]:
    """Which streamed rows are in the data set with the same bits; bool (n,).

    A row that the stream has twice agrees nowhere.
    """
    order = np.argsort(dataset.business_ids, kind="stable")
    known = dataset.business_ids[order]
    at = np.minimum(np.searchsorted(known, rows.business_ids), len(known) - 1)
    _, inverse, count = np.unique(rows.business_ids, return_inverse=True, return_counts=True)
    once = (known[at] == rows.business_ids) & (count[inverse] == 1)
    ours = np.ascontiguousarray(rows.features).view(np.int64)
    theirs = np.ascontiguousarray(dataset.features[order[at]]).view(np.int64)
    found: NDArray[np.bool_] = once & (ours == theirs).all(axis=1)
    return found


def _training(records: Sequence[Transaction]) -> Dataset:
    return build(FRAUD, ((record, False) for record in records))


def show(parity: Parity, console: Console) -> None:
    """Prints the result for people."""
    table = Table(title="Streamed feature rows")
    for heading in ("held against", "rows", "equal"):
        table.add_column(heading, justify="left" if heading == "held against" else "right")
    for name, rows, equal in (
        ("the handbook's features", parity.rows, parity.equal_rows),
        ("training's, bit for bit, same rows", parity.rows, parity.bitwise_rows),
        ("training's, bit for bit, all rows", parity.training_rows, parity.streamed_bitwise_rows),
    ):
        table.add_row(name, f"{rows:,}", f"{equal:,}")
    console.print(table)
    names = ", ".join(FRAUD.spec.names)
    console.print(f"compared: {names}; not compared: the oracle's terminal features")


def main(argv: Sequence[str]) -> int:
    """Runs the comparison; returns the exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    given = _parser().parse_args(argv)
    try:
        parity = measure(given.data)
    except KeyboardInterrupt:
        say("interrupted; everything is stopped")
        return _INTERRUPTED
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


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
