"""Records of a raw topic against the rows of a table."""

from dataclasses import replace

import msgspec
import pytest

from benchmarks.connect.found import compare
from millrace.kafka.readers import Record
from udfs.use_cases.fraud import Transaction

ROWS = [Transaction(number, 20 + number, 3, 400, 5) for number in range(3)]
PLACES = {b"20": 0, b"21": 1, b"22": 0}


def record(row: Transaction) -> Record:
    key = str(row.customer_id).encode()
    return Record("fraud.raw", PLACES[key], 0, 0, key, msgspec.json.encode(row))


RIGHT = [record(row) for row in ROWS]
WRONG = {
    "a row is missing": (RIGHT[:2], (2, 1, 0, 0, 0)),
    "a row is there twice": ([*RIGHT, RIGHT[0]], (4, 0, 1, 0, 0)),
    "a row of another table": ([*RIGHT, record(Transaction(9, 20, 3, 400, 5))], (4, 0, 0, 1, 0)),
    "another amount": ([*RIGHT[:2], record(Transaction(2, 22, 3, 401, 5))], (3, 0, 0, 1, 0)),
    "a further column": (
        [*RIGHT[:2], replace(RIGHT[2], value=(RIGHT[2].value or b"")[:-1] + b',"note":"n"}')],
        (3, 1, 0, 1, 0),
    ),
    "no key": ([*RIGHT[:2], replace(RIGHT[2], key=None)], (3, 0, 0, 0, 1)),
    "another partition": ([*RIGHT[:2], replace(RIGHT[2], partition=3)], (3, 0, 0, 0, 1)),
}


def test_every_row_once_is_right() -> None:
    assert compare(ROWS, RIGHT, PLACES, kills=0).right()


@pytest.mark.parametrize(("records", "counts"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_counted(
    records: list[Record], counts: tuple[int, int, int, int, int]
) -> None:
    found = compare(ROWS, records, PLACES, kills=0)
    told = (found.records, found.missing, found.twice, found.other, found.misplaced)
    assert (told, found.right()) == (counts, False)
