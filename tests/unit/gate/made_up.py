"""A model that answers as told, without a server, and evaluation rows with made-up outputs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from millrace.gate.served import Outputs, Served
from training.dataset import Dataset
from udfs.client.metadata import SignatureSpec, TensorSpec
from udfs.errors import DataError
from udfs.use_cases.fraud import FRAUD

WIDTH = len(FRAUD.spec.names)
ROWS = 4_000


class Told(Served):
    """Answers scores that rows carry in their first column.

    Args:
        spec: the signature that it says to have.
        shift: what is added to each score.
    """

    def __init__(self, spec: SignatureSpec, shift: float = 0.0) -> None:
        self._spec = spec
        self._shift = shift

    def signature(self) -> SignatureSpec:
        """What it was told to have."""
        return self._spec

    def outputs(self, features: NDArray[Any]) -> Outputs:
        """The first column, shifted."""
        scores = (features[:, 0] + self._shift).astype(np.float32)
        if not np.isfinite(scores).all():
            raise DataError("score of row 0 is not finite")
        return {"score": scores, "decision": scores >= 0.5}


def spec(**changes: TensorSpec | None) -> SignatureSpec:
    """The signature of a fraud model, with changes: another tensor, or None for a missing one."""
    inputs = {"features": TensorSpec("float32", (-1, WIDTH))}
    outputs = {"score": TensorSpec("float32", (-1,)), "decision": TensorSpec("bool", (-1,))}
    for name, tensor in changes.items():
        place = outputs if name in outputs else inputs
        if tensor is None:
            del place[name]
        else:
            place[name] = tensor
    return SignatureSpec(inputs, outputs)


def labelled(seed: int = 1, share: float = 0.1) -> tuple[Dataset, NDArray[np.float64]]:
    """Rows whose labels are drawn with the chances that are returned, 20 rows a card."""
    rng = np.random.default_rng(seed)
    chances = np.clip(rng.beta(share * 2, 2, ROWS), 0, 1)
    numbers = np.arange(ROWS)
    features = np.zeros((ROWS, WIDTH))
    features[:, 0] = chances
    labels = rng.random(ROWS) < chances
    return Dataset(features, labels, numbers, numbers // 20, numbers * 60_000), chances


def outputs(scores: NDArray[np.float64]) -> Outputs:
    return {"score": scores.astype(np.float32), "decision": scores >= 0.5}
