"""CSV rows become JSON records with the types of the use case, or keep their texts."""

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import msgspec
import pytest

from millrace.ingest.csv_rows import csv_entries
from millrace.ingest.entries import Entry
from millrace.ingest.lines import Lines
from udfs.errors import DataError
from udfs.features.spec import FeatureSpec
from udfs.use_cases.contract import UseCase
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.maintenance import MAINTENANCE

HEADER = b"transaction_id,customer_id,terminal_id,amount_cents,event_time_ms\n"


class Sparse(msgspec.Struct, frozen=True):
    """A record with fields that may be missing."""

    transaction_id: int
    customer_id: int
    event_time_ms: int
    share: float = 0.0
    note: str | None = None


SPARSE = replace(
    FRAUD, record_type=Sparse, columns=(), spec=FeatureSpec((), ()), labels=None, duplicates=None
)


def entries(
    content: bytes, use_case: UseCase = FRAUD, *, last: bool = False, offset: int = 0
) -> list[tuple[Entry | None, int]]:
    lines = Lines(BytesIO(content), "a.csv", last_counts=last)
    return list(csv_entries(use_case, lines, "a.csv", offset=offset))


def one(row: bytes, header: bytes = HEADER, use_case: UseCase = FRAUD) -> Entry:
    [(entry, end)] = entries(header + row, use_case)
    assert (entry is not None, end) == (True, len(header + row))
    assert entry is not None
    return entry


def test_a_row_has_the_types_of_the_record() -> None:
    entry = one(b"1,22,3,450,5\n")
    assert (entry.key, entry.event_time_ms, entry.problem) == (b"22", 5, None)
    assert json.loads(entry.value) == {
        "transaction_id": 1,
        "customer_id": 22,
        "terminal_id": 3,
        "amount_cents": 450,
        "event_time_ms": 5,
    }


def test_columns_in_any_order_stay_with_those_that_are_no_field() -> None:
    header = (
        b"\xef\xbb\xbfshop, event_time_ms,customer_id,transaction_id,terminal_id,amount_cents\n"
    )
    entry = one('"B\u00e4r, ""2"" ",5,22,1,3,450\n'.encode(), header)
    assert (entry.key, entry.problem) == (b"22", None)
    assert json.loads(entry.value)["shop"] == 'B\u00e4r, "2" '


@pytest.mark.parametrize(
    ("row", "value", "key", "time", "problem"),
    [
        (b"1,22,3,much,5\n", "much", b"22", 5, "Expected `int`, got `str` - at `$.amount_cents`"),
        (b"1,22,3,-4,5\n", "-4", b"22", 5, "Expected `int` >= 0 - at `$.amount_cents`"),
        (b"1,x,3,4,soon\n", "4", None, None, "Expected `int`, got `str` - at `$.customer_id`"),
    ],
    ids=["no number", "out of range", "no key"],
)
def test_a_row_that_does_not_fit_keeps_its_texts(
    row: bytes, value: str, key: bytes | None, time: int | None, problem: str
) -> None:
    entry = one(row)
    assert entry._replace(value=b"") == Entry(key, b"", time, problem)
    assert json.loads(entry.value)["amount_cents"] == value


@pytest.mark.parametrize(
    ("row", "value", "problem"),
    [
        (b"1,2,3\n", b'["1","2","3"]', "the row has 3 cells, the header 5"),
        (b"1,2,3,4,5,6\n", b'["1","2","3","4","5","6"]', "the row has 6 cells, the header 5"),
        (b"1,2,3,\xff,5\n", b"1,2,3,\xff,5\n", "the row is not UTF-8"),
        (
            b"1,2,3,4\r,5\n",
            b"1,2,3,4\r,5\n",
            "no CSV",
        ),
    ],
    ids=["short", "long", "not UTF-8", "no CSV"],
)
def test_a_row_that_is_no_record_is_kept_whole(row: bytes, value: bytes, problem: str) -> None:
    entry = one(row)
    assert (entry[:3], (entry.problem or "").partition(":")[0]) == ((None, value, None), problem)


def test_an_empty_cell_of_a_field_with_a_default_is_left_out() -> None:
    header = b"transaction_id,customer_id,event_time_ms,share,note\n"
    assert json.loads(one(b"1,2,3,,\n", header, SPARSE).value)["share"] == 0.0


def test_a_number_that_is_not_finite_keeps_its_text() -> None:
    entry = one(b"1,2,3,nan\n", b"transaction_id,customer_id,event_time_ms,share\n", SPARSE)
    assert (json.loads(entry.value)["share"], entry.problem) == ("nan", "a number is not finite")


def test_lists_are_read_from_json_in_a_cell() -> None:
    header = b"reading_id,unit_id,cycle,event_time_ms,settings,sensors\n"
    sensors = json.dumps([0.5] * 21)
    entry = one(f'1,2,3,4,"[1,2,3]","{sensors}"\n'.encode(), header, MAINTENANCE)
    value: dict[str, Any] = json.loads(entry.value)
    assert (entry.problem, value["settings"], value["sensors"]) == (None, [1, 2, 3], [0.5] * 21)


def test_rows_with_newlines_in_quotes_are_one_record_and_go_on_at_any_offset() -> None:
    header = HEADER[:-1] + b",note\n"
    content = header + b'1,2,3,4,5,"a\nb"\n\n2,2,3,4,6,c\n'
    found = entries(content)
    assert [json.loads(e.value)["note"] if e else None for e, _ in found] == ["a\nb", None, "c"]
    ends = [end for _, end in found]
    assert [entries(content, offset=end) for end in ends] == [found[1:], found[2:], []]


@pytest.mark.parametrize(
    ("rest", "counted"), [(b"2,2,3,4,6", 1), (b'2,2,3,4,"6\n', 1)], ids=["line", "open quote"]
)
def test_an_unfinished_row_waits_unless_it_counts(rest: bytes, counted: int) -> None:
    content = HEADER + b"1,2,3,4,5\n"
    assert len(entries(content + rest)) == 1
    assert len(entries(content + rest, last=True)) == 1 + counted


@pytest.mark.parametrize("content", [b"", HEADER[:-1], HEADER], ids=["empty", "part", "header"])
def test_a_file_without_rows_gives_nothing(content: bytes) -> None:
    assert entries(content) == []


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"a;b\n", "a.csv: the header lacks transaction_id, customer_id, terminal_id, "),
        (HEADER[:-1] + b",customer_id\n", "a.csv: the header names customer_id twice"),
    ],
    ids=["other", "twice"],
)
def test_a_header_that_does_not_fit_is_refused(header: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        entries(header)
