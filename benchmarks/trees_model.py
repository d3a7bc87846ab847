"""Boosted trees as training exports them for card fraud: `python -m benchmarks.trees_model PATH`.

Splits and leaves are random: rates depend on how many trees there are and on what the model makes
of its features, not on what it learned, and so it needs no history.
"""

import sys
from pathlib import Path

import numpy as np

from training.models.boosted import BoostedModel
from training.models.fraud import expand
from training.models.trees import Trees
from udfs.use_cases.fraud import FRAUD, SPEC

_TREES = 160
_THRESHOLD = 0.5


def export(path: Path) -> None:
    """Writes a SavedModel of 160 trees of depth 3 as version 1 below `path`."""
    generator = np.random.default_rng(1)
    rows = np.ones((1, len(SPEC.names)), np.float32)
    width = int(expand(rows).shape[1])
    nodes = (_TREES, 2**Trees.DEPTH - 1)
    trees = Trees(
        generator.integers(0, width, nodes, np.int32),
        (generator.random(nodes) * 100).astype(np.float32),
        generator.normal(0, 0.05, (_TREES, 2**Trees.DEPTH)).astype(np.float32),
        0.0,
    )
    model = BoostedModel(trees, len(SPEC.names), FRAUD.model, expand)
    model.threshold = _THRESHOLD
    model.save(path / "1")


if __name__ == "__main__":
    export(Path(sys.argv[1]))
