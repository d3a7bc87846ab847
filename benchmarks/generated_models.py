"""Models of installed use cases for the benchmark: `python -m benchmarks.generated_models PATH …`.

What a network answers does not change its rate, so the training is short; the shape of the models
is that of `millrace train`.
"""

import sys
from datetime import timedelta
from pathlib import Path

from training.dataset import build
from training.models.fitted import FitOptions, find_fit
from training.progress import silent
from udfs.use_cases.find import find_use_case

_RECORDS, _START_MS, _SPAN = 4_000, 1_530_000_000_000, timedelta(days=7)
_VALIDATION_SHARE, _EPOCHS, _SEED = 6, 1, 1


def export(path: Path, name: str) -> None:
    """Writes version 1 of a use case's model, trained on its generator, below `path/name`."""
    use_case = find_use_case(name)
    span_ms = _SPAN // timedelta(milliseconds=1)
    data = build(use_case, use_case.generate(_SEED, _START_MS, _RECORDS, span_ms))
    cut = len(data) - len(data) // _VALIDATION_SHARE
    options = FitOptions(_EPOCHS, _SEED)
    model = find_fit(use_case)(data[:cut], data[cut:], use_case.model, options, silent)
    model.save(path / name / "1")


if __name__ == "__main__":
    for case in sys.argv[2:]:
        export(Path(sys.argv[1]), case)
