"""Rows of CSV as JSON records: types by the record type, and text where they do not fit."""

import csv
import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from millrace.ingest.entries import (
    MAX_RECORD_BYTES,
    Entry,
    encoded_names,
    key_of,
    time_of,
)
from millrace.ingest.lines import Lines
from udfs.errors import DataError
from udfs.use_cases.contract import UseCase

_MAX_DIGITS = 19
_TEXT = ("utf-8", "surrogateescape")
_CONTAINERS = (
    msgspec.inspect.ListType,
    msgspec.inspect.TupleType,
    msgspec.inspect.VarTupleType,
    msgspec.inspect.DictType,
    msgspec.inspect.StructType,
)


class CsvEntries:
    """Makes entries of the rows below a header.

    Columns that are no field of the record stay, as text. An empty cell of a field that has a
    default is left out. A row that does not fit goes as JSON of its texts, one with too many or
    too few cells as a list of them, one that is not UTF-8 or no CSV as it is: the job says why.

    Args:
        use_case: whose records they are.
        names: the header.
        file_name: for messages.

    Raises:
        DataError: the header names a column twice or lacks a field.
    """

    def __init__(self, use_case: UseCase, names: Sequence[str], file_name: str) -> None:
        self._names, self._type = tuple(names), use_case.record_type
        fields = msgspec.structs.fields(use_case.record_type)
        own = {field.encode_name for field in fields}
        self._check([f.encode_name for f in fields if f.required], use_case.name, file_name)
        self._key = encoded_names(use_case)[use_case.entity_key]
        self._time = encoded_names(use_case)[use_case.event_time]
        self._attributes = use_case.entity_key, use_case.event_time
        self._more = [name for name in names if name not in own]
        self._optional = [f.encode_name for f in fields if not f.required]
        self._containers = [field.encode_name for field in fields if _is_container(field.type)]

    def _check(self, required: Sequence[str], use_case: str, file_name: str) -> None:
        twice = sorted({name for name in self._names if self._names.count(name) > 1})
        if twice:
            raise DataError(f"{file_name}: the header names {', '.join(twice)} twice")
        missing = [name for name in required if name not in self._names]
        if missing:
            raise DataError(
                f"{file_name}: the header lacks {', '.join(missing)} of {use_case}'s records; it "
                f"has {', '.join(self._names)[:200]}"
            )

    def __call__(self, cells: Sequence[str], raw: bytes) -> Entry:
        """The entry of a row; `raw` is how it stands in the file."""
        try:
            if len(cells) != len(self._names):
                problem = f"the row has {len(cells)} cells, the header {len(self._names)}"
                return Entry(None, msgspec.json.encode(cells), None, problem)
            return self._entry(dict(zip(self._names, cells, strict=True)))
        except UnicodeEncodeError:
            return Entry(None, raw, None, "the row is not UTF-8")

    def _entry(self, texts: dict[str, str]) -> Entry:
        try:
            record = msgspec.convert(self._values(texts), self._type, strict=False)
        except msgspec.ValidationError as error:
            return self._as_texts(texts, str(error))
        value = self._encoded(record, texts)
        # JSON has no NaN: it would turn into a null, which says less than the text.
        if b"null" in value and not _finite(record):
            return self._as_texts(texts, "a number is not finite")
        key, time = self._attributes
        return Entry(str(getattr(record, key)).encode(), value, getattr(record, time))

    def _values(self, texts: dict[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = texts
        if self._optional or self._containers:
            values = dict(texts)
        for name in self._optional:
            if values.get(name) == "":
                del values[name]
        for name in self._containers:
            if name in values:
                values[name] = _decoded(values[name])
        return values

    def _encoded(self, record: Any, texts: dict[str, str]) -> bytes:
        if not self._more:
            return msgspec.json.encode(record)
        more = {name: texts[name] for name in self._more}
        return msgspec.json.encode({**msgspec.to_builtins(record), **more})

    def _as_texts(self, texts: dict[str, str], problem: str) -> Entry:
        key = key_of(_number(texts[self._key]) if self._key in texts else None)
        time = time_of(_number(texts[self._time])) if self._time in texts else None
        return Entry(key, msgspec.json.encode(texts), time, problem)


def csv_entries(
    use_case: UseCase, lines: Lines, file_name: str, *, delimiter: str = ",", offset: int = 0
) -> Iterator[tuple[Entry | None, int]]:
    """The entries of a file from an offset on, each with the offset at which it ends.

    Args:
        use_case: whose records they are.
        lines: of the file, from its beginning.
        file_name: for messages.
        delimiter: between cells.
        offset: entries that end at or before it are left out; it is the end of one, or 0.

    Raises:
        DataError: the header does not fit, or a row is too long.
    """
    csv.field_size_limit(2 * MAX_RECORD_BYTES)
    rows = csv.reader((line.decode(*_TEXT) for line in lines), delimiter=delimiter)
    header = next(rows, None)
    if header is None or (lines.ran_out and not lines.last_counts):
        return
    header[0] = header[0].removeprefix("\ufeff")
    to_entry = CsvEntries(use_case, [name.strip() for name in header], file_name)
    lines.go_to(max(offset, lines.end))
    while True:
        lines.begin()
        try:
            cells = next(rows, None)
        except csv.Error as error:
            yield Entry(None, b"".join(lines.record), None, f"no CSV: {error}"), lines.end
            continue
        if cells is None or (lines.ran_out and not lines.last_counts):
            return
        yield (to_entry(cells, b"".join(lines.record)) if cells else None), lines.end


def _is_container(field_type: Any) -> bool:
    """Whether the type, or one of a union's, is written as a JSON array or object."""
    found = msgspec.inspect.type_info(field_type)
    found = found.type if isinstance(found, msgspec.inspect.Metadata) else found
    types = found.types if isinstance(found, msgspec.inspect.UnionType) else (found,)
    return any(isinstance(one, _CONTAINERS) for one in types)


def _decoded(text: str) -> Any:
    """A cell that holds JSON, decoded; else its text."""
    try:
        return msgspec.json.decode(text) if text[:1] in ("[", "{") else text
    except msgspec.DecodeError:
        return text


def _finite(record: Any) -> bool:
    values = msgspec.structs.asdict(record).values()
    return all(math.isfinite(value) for value in values if isinstance(value, float))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None
