"""The names of all settings, as files and environment variables spell them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from millrace.settings.groups import (
    ENVIRONMENT_DELIMITER,
    ENVIRONMENT_PREFIX,
    Group,
    Settings,
)
from udfs.nearest import did_you_mean

_NEAR = 0.5


@dataclass(frozen=True)
class Known:
    """One setting.

    Attributes:
        name: dotted name, as in `score.parallelism`.
        variable: the environment variable that sets it.
        default: value when nothing sets it.
        description: one line about it.
    """

    name: str
    variable: str
    default: Any
    description: str


def known_settings() -> Iterator[Known]:
    """All settings in the order of their declaration."""
    for group_name, group in Settings.model_fields.items():
        kind = group.annotation
        assert isinstance(kind, type) and issubclass(kind, Group)
        for name, field in kind.model_fields.items():
            default = field.get_default(call_default_factory=True, validated_data={})
            dotted = f"{group_name}.{name}"
            yield Known(dotted, variable_of(dotted), default, field.description or "")


def variable_of(name: str) -> str:
    """The environment variable of a setting.

    >>> variable_of("score.parallelism")
    'MILLRACE_SCORE__PARALLELISM'
    """
    return ENVIRONMENT_PREFIX + name.upper().replace(".", ENVIRONMENT_DELIMITER)


def suggestion(name: str, known: list[str]) -> str:
    """Half a sentence that names the nearest known name, or lists them when none is near.

    >>> suggestion("score.paralelism", ["score.parallelism", "score.shards"])
    'did you mean score.parallelism?'
    """
    return did_you_mean(name, known, cutoff=_NEAR) or f"known are: {', '.join(known)}"
