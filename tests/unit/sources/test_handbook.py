"""The handbook's files become transactions; files that are not what they should be are named."""

import gzip
from pathlib import Path

import pytest

from millrace.sources import handbook
from udfs.errors import ConfigurationError, DataError
from udfs.use_cases.fraud_records import Transaction

HEADER = "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT"
ROWS = ("0,2018-04-01 00:00:31,596,3156,57.16", "1,2018-04-01 00:02:10,4961,3412,81.5")
LABELS = ("TRANSACTION_ID,TX_FRAUD,TX_FRAUD_SCENARIO,LABEL_TIME", "0,0,0,x", "1,1,2,x")
EXPECTED = [
    Transaction(0, 596, 3156, 5716, 1_522_540_831_000),
    Transaction(1, 4961, 3412, 8150, 1_522_540_930_000),
]


def write(folder: Path, *rows: str, labels: tuple[str, ...] = LABELS) -> Path:
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / handbook.TRANSACTIONS, "wt") as file:
        file.write("\n".join(rows) + "\n")
    if labels:
        with gzip.open(folder / handbook.LABELS, "wt") as file:
            file.write("\n".join(labels) + "\n")
    return folder


def test_amounts_are_cents_and_times_utc_milliseconds(tmp_path: Path) -> None:
    assert list(handbook.transactions(write(tmp_path, HEADER, *ROWS))) == EXPECTED


def test_the_folder_above_is_found_too(tmp_path: Path) -> None:
    write(tmp_path / handbook.FOLDER, HEADER, *ROWS)
    assert list(handbook.transactions(tmp_path)) == EXPECTED


def test_labels_join_by_id(tmp_path: Path) -> None:
    made = list(handbook.labelled(write(tmp_path, HEADER, *ROWS)))
    assert made == list(zip(EXPECTED, [False, True], strict=True))


def test_labels_in_another_order_join_by_id(tmp_path: Path) -> None:
    shuffled = (LABELS[0], LABELS[2], LABELS[1])
    made = list(handbook.labelled(write(tmp_path, HEADER, *ROWS, labels=shuffled)))
    assert [label for _, label in made] == [False, True]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no transactions\.csv\.gz in"):
        list(handbook.transactions(tmp_path))


def test_missing_labels_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no labels\.csv\.gz"):
        list(handbook.labelled(write(tmp_path, HEADER, *ROWS, labels=())))


def test_a_transaction_without_a_label_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no label for transaction 1"):
        list(handbook.labelled(write(tmp_path, HEADER, *ROWS, labels=LABELS[:2])))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((HEADER, ROWS[1], ROWS[0]), "not in the order"),
        ((HEADER, "0,yesterday,596,3156,57.16"), "cannot be read"),
        ((HEADER, "0,2018-04-01 00:00:31,,3156,57.16"), "empty cells"),
        ((HEADER, "0,2018-04-01 00:00:31,596,3156,57.165"), "whole number of cents"),
        ((HEADER, "0,2018-04-01 00:00:31,596,3156,-1"), "whole number of cents"),
        (("A,B", "1,2"), "cannot be read"),
        ((HEADER,), "no rows"),
    ],
    ids=["order", "time", "empty cell", "fraction of a cent", "negative", "columns", "no rows"],
)
def test_a_broken_file_is_refused(tmp_path: Path, rows: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(handbook.transactions(write(tmp_path, *rows)))


def test_a_file_that_is_no_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / handbook.TRANSACTIONS).write_bytes(b"not gzip")
    with pytest.raises(DataError, match="cannot be read"):
        list(handbook.transactions(tmp_path))
