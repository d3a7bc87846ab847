"""The names, order and definition of a model's inputs, and the hash that binds them."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property


@dataclass(frozen=True)
class WindowedAggregate:
    """Count and sum of an integer column per entity key over exact windows (t - w, t].

    Attributes:
        name: how features and state name this fold, for example `customer`.
        key: the record field that holds the entity key.
        value: the record field that is summed (an integer, for money in cents).
        windows_ms: window lengths in milliseconds, ascending.
    """

    name: str
    key: str
    value: str
    windows_ms: tuple[int, ...]


@dataclass(frozen=True)
class FeatureSpec:
    """What a model is fed: feature names in order, the folds behind them and a revision.

    Raise `revision` whenever the meaning of a feature changes while its name stays.

    >>> spec = FeatureSpec(("amount",), (), revision=1)
    >>> len(spec.hash), spec.hash == FeatureSpec(("amount",), (), revision=2).hash
    (16, False)
    """

    names: tuple[str, ...]
    folds: tuple[WindowedAggregate, ...]
    revision: int = 1

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits that change with any part of the definition."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
