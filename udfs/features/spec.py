"""The names, order and definition of a model's inputs, and the hash that binds them."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from udfs.features.fold import Fold


@dataclass(frozen=True)
class FeatureSpec:
    """What a model is fed: feature names in order, the folds behind them and a revision.

    `folds` are over the entity key, `second` over the second one, to which labels go as well.
    Raise `revision` whenever the meaning of a feature changes while its name stays.

    >>> spec = FeatureSpec(("amount",), (), revision=1)
    >>> len(spec.hash), spec.hash == FeatureSpec(("amount",), (), revision=2).hash
    (16, False)
    """

    names: tuple[str, ...]
    folds: tuple[Fold, ...]
    revision: int = 1
    second: tuple[Fold, ...] = ()

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits that change with any part of the definition."""
        parts: dict[str, Any] = asdict(self)
        parts["kinds"] = [type(fold).__name__ for fold in (*self.folds, *self.second)]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
