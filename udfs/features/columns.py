"""Record fields as arrays: one column a field, over all records of a block."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.errors import UseCaseError
from udfs.nearest import did_you_mean

Column = np.dtype[Any]


def column_types(record_type: type[msgspec.Struct], fields: Iterable[str]) -> dict[str, Column]:
    """The dtype of an entry of each field's column: int64, float64, or a vector of one of them.

    A field is an integer (or a boolean, as 0 and 1), a float, or a list with equal minimal and
    maximal length of either.

    Raises:
        UseCaseError: the record has no such field, or it is of another kind.

    >>> class Reading(msgspec.Struct):
    ...     unit: int
    ...     heat: float
    >>> {name: str(dtype) for name, dtype in column_types(Reading, ("heat", "unit")).items()}
    {'heat': 'float64', 'unit': 'int64'}
    """
    info = msgspec.inspect.type_info(record_type)
    assert isinstance(info, msgspec.inspect.StructType)
    known = {field.name: field.type for field in info.fields}
    types = {}
    for field in fields:
        if field not in known:
            its_fields = f"its fields are {', '.join(known)}"
            hint = did_you_mean(str(field), known, quoted=True) or its_fields
            raise UseCaseError(f"{record_type.__name__} has no field {field!r}: {hint}")
        found = _dtype(known[field])
        if found is None:
            raise UseCaseError(
                f"{record_type.__name__}.{field} cannot be a column: a column is made of an int, "
                "a float, or a list of one fixed length of either"
            )
        types[field] = found
    return types


def _dtype(kind: msgspec.inspect.Type) -> Column | None:
    if isinstance(kind, msgspec.inspect.UnionType) and all(
        isinstance(one, msgspec.inspect.IntType | msgspec.inspect.BoolType) for one in kind.types
    ):
        return np.dtype(np.int64)
    if isinstance(kind, msgspec.inspect.IntType | msgspec.inspect.BoolType):
        return np.dtype(np.int64)
    if isinstance(kind, msgspec.inspect.FloatType):
        return np.dtype(np.float64)
    if isinstance(kind, msgspec.inspect.ListType):
        item, length = _dtype(kind.item_type), kind.min_length
        if item is not None and length and length == kind.max_length:
            return np.dtype((item, (length,)))
    return None


class ColumnReader:
    """Reads fields of records into columns.

    Args:
        record_type: what the records are.
        fields: which fields become columns.
    """

    def __init__(self, record_type: type[msgspec.Struct], fields: Iterable[str]) -> None:
        self._columns: list[tuple[str, Column, Callable[[Any], Any]]] = [
            (field, dtype, attrgetter(field))
            for field, dtype in column_types(record_type, fields).items()
        ]

    def __call__(self, records: Sequence[Any]) -> Mapping[str, NDArray[Any]]:
        """The columns of n records by field: (n,), or (n, k) for vectors of k."""
        return {
            field: np.fromiter(map(get, records), dtype, len(records))
            for field, dtype, get in self._columns
        }
