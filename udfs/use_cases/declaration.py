"""What is wrong with a use case as it is declared, told in one sentence before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from inspect import isclass
from typing import TYPE_CHECKING, Any

import msgspec

from udfs.errors import UseCaseError
from udfs.features.spec import FeatureSpec
from udfs.use_cases.signature import ModelSignature

if TYPE_CHECKING:
    from udfs.use_cases.contract import UseCase

RESERVED_ENDINGS = ("-once", "-archive", "-alarms")
"""What deployments of one use case end in beside its main one, so no use case's name does."""

LABEL_DTYPES = ("bool", "int64", "float32")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_record(value: object) -> bool:
    return (
        isclass(value)
        and issubclass(value, msgspec.Struct)
        and bool(value.__struct_config__.frozen)
    )


def _is_time(value: object) -> bool:
    return isinstance(value, timedelta) and value >= timedelta(0)


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(map(_is_text, value))


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w.]+:\w+", value) is not None


_Field = tuple[Callable[[object], bool], str]
_FIELD: _Field = (_is_text, "the name of a field of the record")
_FUNCTION: _Field = (callable, "a function")
_TIME: _Field = (_is_time, "a timedelta of 0 or more")
_REFERENCE: _Field = (_is_reference, "a text such as 'package.module:function'")
_FIELDS: dict[str, _Field] = {
    "record_type": (_is_record, "a msgspec.Struct with frozen=True"),
    "business_id": _FIELD,
    "entity_key": _FIELD,
    "event_time": _FIELD,
    "columns": (_are_texts, "a tuple of names of fields, such as ('amount_cents',)"),
    "spec": (lambda value: isinstance(value, FeatureSpec), "a FeatureSpec"),
    "assemble": _FUNCTION,
    "model": (lambda value: isinstance(value, ModelSignature), "a ModelSignature"),
    "rule": _FUNCTION,
    "label_delay": _TIME,
    "allowed_lateness": _TIME,
    "generate": _FUNCTION,
    "live": _FUNCTION,
    "label_dtype": (lambda value: value in LABEL_DTYPES, f"one of {', '.join(LABEL_DTYPES)}"),
    "fit": _REFERENCE,
    "evaluate": _REFERENCE,
    "report": _REFERENCE,
}


def require_declared(use_case: UseCase) -> None:
    """Returns when what a use case declares is of the right kinds and fits together.

    Raises:
        UseCaseError: it does not; the message names the field and what it has to be.
    """
    _require_name(use_case.name)
    for field, (is_right, what) in _FIELDS.items():
        value = getattr(use_case, field)
        if not is_right(value):
            raise UseCaseError(f"{field} of use case {use_case.name!r} is {value!r}; it is {what}")
    _require_integers(use_case)
    for fold in use_case.spec.folds:
        if fold.key != use_case.entity_key:
            raise UseCaseError(
                f"fold {fold.name!r} goes by {fold.key!r}; folds of use case {use_case.name!r} go "
                f"by its entity_key, which is {use_case.entity_key!r}"
            )


def _require_name(name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise UseCaseError(
            f"a use case cannot be called {name!r}: topics are named after it, so it is made of "
            "lower-case letters, digits and underscores, a letter first"
        )
    for ending in RESERVED_ENDINGS:
        if name.endswith(ending):
            raise UseCaseError(
                f"no use case may be called {name!r}: {name.removesuffix(ending)!r} "
                f"has a deployment that ends in {ending}, so the two would share consumer "
                "group, transactional ids and checkpoints"
            )


def _require_integers(use_case: UseCase) -> None:
    types = use_case.column_types
    for what in ("business_id", "entity_key", "event_time"):
        field = getattr(use_case, what)
        if types[field] != "int64":
            raise UseCaseError(
                f"{what} of use case {use_case.name!r} is the field {field!r}, which has to be an "
                "integer"
            )
