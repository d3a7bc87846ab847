"""Finds a use case by its entry point or by `module:attribute`."""

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from udfs.errors import UseCaseError
from udfs.use_cases.contract import UseCase

GROUP = "millrace.use_cases"


def use_case_names() -> list[str]:
    """Names of the installed use cases, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


@cache
def find_use_case(name: str) -> UseCase:
    """The use case of an installed name, or of `module:attribute`.

    Raises:
        UseCaseError: nothing of that name is installed, or it is no use case.

    >>> find_use_case("fraud").entity_key
    'customer_id'
    """
    points = {point.name: point.value for point in entry_points(group=GROUP)}
    reference = points.get(name, name)
    module_name, _, attribute = reference.partition(":")
    if not attribute:
        near = get_close_matches(name, points, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(points))}"
        raise UseCaseError(f"no use case {name!r} is installed: {hint}")
    try:
        value = getattr(import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UseCaseError(f"use case {reference!r} cannot be loaded: {error}") from error
    if not isinstance(value, UseCase):
        raise UseCaseError(f"{reference!r} is a {type(value).__name__}, not a UseCase")
    return value
