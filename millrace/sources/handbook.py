"""Reads the Fraud Detection Handbook's transactions from a folder the user brings.

The folder holds `transactions.csv.gz` (TRANSACTION_ID, TX_DATETIME, CUSTOMER_ID, TERMINAL_ID,
TX_AMOUNT) in the order of time and, for training, `labels.csv.gz` (TRANSACTION_ID, TX_FRAUD, and
LABEL_TIME where labels are sent as records).
Times without a zone are UTC.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from udfs.errors import ConfigurationError, DataError
from udfs.use_cases.fraud_records import FraudLabel, Transaction

FOLDER = "fraud_handbook"
TRANSACTIONS = "transactions.csv.gz"
LABELS = "labels.csv.gz"
_LARGEST_ROUNDING_CENTS = 1e-6

_TRANSACTION_TYPES = {
    "TRANSACTION_ID": pa.int64(),
    "TX_DATETIME": pa.timestamp("ms"),
    "CUSTOMER_ID": pa.int64(),
    "TERMINAL_ID": pa.int64(),
    "TX_AMOUNT": pa.float64(),
}
_LABEL_TIME = "LABEL_TIME"
_LABEL_TYPES = {"TRANSACTION_ID": pa.int64(), "TX_FRAUD": pa.int64()}


def find_folder(path: Path) -> Path:
    """The folder with the transactions: `path` itself, or `fraud_handbook` in it.

    Raises:
        ConfigurationError: neither holds `transactions.csv.gz`.
    """
    for folder in (path, path / FOLDER):
        if (folder / TRANSACTIONS).is_file():
            return folder
    raise ConfigurationError(f"no {TRANSACTIONS} in {path} or {path / FOLDER}")


def transactions(path: Path) -> Iterator[Transaction]:
    """The transactions in the order of the file, which is the order of time.

    Raises:
        ConfigurationError: the folder lacks the file.
        DataError: the file is not what it should be.
    """
    file = find_folder(path) / TRANSACTIONS
    newest = 0
    for batch in _batches(file, _TRANSACTION_TYPES):
        times = _column(batch, "TX_DATETIME")
        if np.any(np.diff(times, prepend=newest) < 0):
            raise DataError(f"{file} is not in the order of TX_DATETIME")
        newest = int(times[-1])
        yield from map(
            Transaction,
            _column(batch, "TRANSACTION_ID").tolist(),
            _column(batch, "CUSTOMER_ID").tolist(),
            _column(batch, "TERMINAL_ID").tolist(),
            _cents(file, batch.column("TX_AMOUNT").to_numpy()).tolist(),
            times.tolist(),
        )


def labelled(path: Path) -> Iterator[tuple[Transaction, bool]]:
    """The transactions, each with its label, True for fraud.

    Raises:
        ConfigurationError: the folder lacks a file.
        DataError: a file is not what it should be, or a transaction has no label.
    """
    file = _labels_file(path)
    frauds, known = _labels(file)
    for transaction in transactions(path):
        identity = transaction.transaction_id
        if identity not in known:
            raise DataError(f"{file} has no label for transaction {identity}")
        yield transaction, identity in frauds


def labels(path: Path) -> Iterator[FraudLabel]:
    """The labels as records, in the order of the file, which is that of their arrival.

    Raises:
        ConfigurationError: the folder lacks the file.
        DataError: the file is not what it should be.
    """
    file = _labels_file(path)
    for batch in _batches(file, {**_LABEL_TYPES, _LABEL_TIME: pa.timestamp("ms")}):
        yield from map(
            FraudLabel,
            _column(batch, "TRANSACTION_ID").tolist(),
            _column(batch, "TX_FRAUD").tolist(),
            _column(batch, _LABEL_TIME).tolist(),
        )


def _labels_file(path: Path) -> Path:
    file = find_folder(path) / LABELS
    if not file.is_file():
        raise ConfigurationError(f"no {LABELS} beside {TRANSACTIONS} in {file.parent}")
    return file


def _labels(file: Path) -> tuple[set[int], "range | set[int]"]:
    """Ids of the frauds, and ids of all labels (a range where they are consecutive)."""
    ids, marks = [], []
    for batch in _batches(file, _LABEL_TYPES):
        ids.append(_column(batch, "TRANSACTION_ID"))
        marks.append(_column(batch, "TX_FRAUD"))
    identity, fraud = np.concatenate(ids), np.concatenate(marks)
    frauds = set(identity[fraud == 1].tolist())
    if np.all(np.diff(identity) == 1):
        return frauds, range(int(identity[0]), int(identity[-1]) + 1)
    return frauds, set(identity.tolist())


def _batches(file: Path, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    convert = pa.csv.ConvertOptions(column_types=types, include_columns=list(types))
    rows = 0
    try:
        with pa.csv.open_csv(file, convert_options=convert) as reader:
            for batch in reader:
                if any(column.null_count for column in batch.columns):
                    raise DataError(f"{file} has empty cells after row {rows}")
                rows += len(batch)
                if len(batch):
                    yield batch
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{file} cannot be read after row {rows}: {reason}") from error
    if not rows:
        raise DataError(f"{file} has no rows")


def _column(batch: pa.RecordBatch, name: str) -> NDArray[np.int64]:
    return np.asarray(batch.column(name).cast(pa.int64()).to_numpy())


def _cents(file: Path, amounts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Amounts in units as integer cents; a fraction of a cent would lose money."""
    cents = np.rint(amounts * 100)
    if np.any(np.abs(amounts * 100 - cents) > _LARGEST_ROUNDING_CENTS) or np.any(cents < 0):
        raise DataError(f"{file} has a TX_AMOUNT that is no whole number of cents from 0 on")
    whole: NDArray[np.int64] = cents.astype(np.int64)
    return whole
