"""Finds a use case by its entry point or by `module:attribute`."""

import sys
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from udfs.errors import UseCaseError
from udfs.nearest import did_you_mean
from udfs.use_cases.contract import UseCase
from udfs.use_cases.trial import place_of, try_out

GROUP = "millrace.use_cases"


def use_case_names() -> list[str]:
    """Names of the installed use cases, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


@cache
def find_use_case(name: str) -> UseCase:
    """The use case of an installed name, or of `module:attribute`, tried on no records.

    Raises:
        UseCaseError: nothing of that name is installed, it cannot be loaded, it is no use case, or
            its functions do not fit what it declares.

    >>> find_use_case("fraud").entity_key
    'customer_id'
    """
    use_case = load_use_case(name)
    try_out(use_case)
    return use_case


@cache
def load_use_case(name: str) -> UseCase:
    """The same, not tried.

    Raises:
        UseCaseError: nothing of that name is installed, it cannot be loaded, or it is no use case.
    """
    points = {point.name: point.value for point in entry_points(group=GROUP)}
    reference = points.get(name, name)
    module_name, _, attribute = reference.partition(":")
    if not attribute:
        known = f"known in {sys.prefix} are {', '.join(sorted(points))}"
        own = "one of your own is known in the environment that its project is installed in"
        hint = did_you_mean(name, points, quoted=True) or f"{known}; {own}"
        raise UseCaseError(f"no use case {name!r} is installed: {hint}")
    value = _value(reference, module_name, attribute)
    if not isinstance(value, UseCase):
        raise UseCaseError(f"{reference!r} is a {type(value).__name__}, not a UseCase")
    if name in points and value.name != name:
        raise UseCaseError(
            f"the entry point {name!r} names {reference!r}, a use case that is called "
            f"{value.name!r}; both have one name"
        )
    return value


def _value(reference: str, module_name: str, attribute: str) -> object:
    try:
        return getattr(import_module(module_name), attribute)
    except Exception as error:  # whatever a use case's own module raises
        kind = "" if isinstance(error, ImportError | UseCaseError) else f"{type(error).__name__}: "
        why = error.msg if isinstance(error, SyntaxError) else error
        raise UseCaseError(
            f"use case {reference!r} cannot be loaded: {kind}{why}{place_of(error)}"
        ) from error
