"""A use case tried on no records: what is wrong shows before a job runs or a training begins."""

import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from udfs.errors import UseCaseError
from udfs.features.columns import ColumnReader
from udfs.features.delayed import LABEL
from udfs.features.values import Features
from udfs.use_cases.contract import UseCase

# Not a use case's own: this package, the standard library, numpy.
_OTHERS = (Path(__file__).parents[1], Path(sysconfig.get_path("stdlib")), Path(np.__file__).parent)
_INSTALLED = "site-packages"
T = TypeVar("T")


def try_out(use_case: UseCase) -> None:
    """Returns when `assemble` gives a column for each feature and `rule` the model's outputs.

    Raises:
        UseCaseError: one of them fails, or gives something else.
    """
    _try_rule(use_case, _called(use_case, "assemble", lambda: features_of_no_records(use_case)))


def place_of(error: BaseException) -> str:
    """Where a use case's own code failed, as ` (file:line)`; empty when none of it is to blame."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}:{error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(Path(frame.filename))]
    return f" ({own[-1].filename}:{own[-1].lineno})" if own else ""


def _is_own(file: Path) -> bool:
    return file.is_absolute() and not any(
        other in file.parents and _INSTALLED not in file.relative_to(other).parts
        for other in _OTHERS
    )


def features_of_no_records(use_case: UseCase) -> Features:
    """What `assemble` gives where no record came, in any fold."""
    columns = ColumnReader(use_case.record_type, use_case.column_types)([])
    times = columns[use_case.event_time]
    folded = {}
    for fold in use_case.spec.folds:
        values = {field: columns[field] for field in fold.values}
        _, folded[fold.name] = fold.start(0).update(times, times, values, times)
    for fold in use_case.spec.second:
        _, folded[fold.name] = fold.start(0).update(times, times, {LABEL: times}, times)
    return use_case.assemble(columns, folded)


def _try_rule(use_case: UseCase, features: Features) -> None:
    names = use_case.spec.names
    shape = getattr(features, "shape", None)
    if shape != (0, len(names)):
        raise UseCaseError(
            f"assemble of use case {use_case.name!r} gives an array of shape {shape} for no "
            f"records; {len(names)} features are named in its spec, so it is (0, {len(names)})"
        )
    found = _called(use_case, "rule", lambda: use_case.rule(features))
    wanted = [(output.dtype, output.shape(0)) for output in use_case.model.outputs]
    parts = found if isinstance(found, tuple | list) else ()
    given = [(str(part.dtype), part.shape) for part in parts if isinstance(part, np.ndarray)]
    if given != wanted:
        raise UseCaseError(
            f"rule of use case {use_case.name!r} gives {_told(given)} for no records; the outputs "
            f"of its model are {_told(wanted)}: a tuple with an array for each, in that order"
        )


def _told(arrays: list[tuple[str, tuple[int, ...]]]) -> str:
    """Arrays in words.

    >>> _told([("float32", (0,)), ("bool", (0,))])
    'float32 (0,) and bool (0,)'
    """
    return " and ".join(f"{dtype} {shape}" for dtype, shape in arrays) or "no array"


def _called(use_case: UseCase, what: str, function: Callable[[], T]) -> T:
    try:
        return function()
    except Exception as error:  # whatever a use case's own code raises
        raise UseCaseError(
            f"{what} of use case {use_case.name!r} fails: {type(error).__name__}: "
            f"{error}{place_of(error)}"
        ) from error
