"""A number a row by a small PyTorch network, served as ONNX.

For any use case whose model gives one float32: name it in `fit`. Needs the extra `torch`.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.models.onnx_model import OnnxModel, one_number
from training.models.torch_network import dense, exported, fit_network, tensors
from training.progress import OnProgress
from training.targets import learnt
from udfs.use_cases.contract import ModelSignature

_TINY = 1e-6


class _Scaled(torch.nn.Module):
    """Features scaled on the way in, the number scaled back on the way out."""

    def __init__(self, features: NDArray[np.float32], labels: NDArray[np.float32]) -> None:
        super().__init__()
        self.layers = dense(features.shape[1])
        for name, values in (("features", features), ("labels", labels)):
            self.register_buffer(f"{name}_mean", torch.tensor(values.mean(axis=0)))
            self.register_buffer(f"{name}_spread", torch.tensor(values.std(axis=0) + _TINY))

    def forward(self, rows: Any) -> Any:
        """Numbers (n, 1) for feature rows (n, f)."""
        scaled = (rows - self.features_mean) / self.features_spread
        return self.layers(scaled) * self.labels_spread + self.labels_mean


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
) -> OnnxModel:
    """Trains for all epochs on `train`, and keeps the weights that were best on `validation`.

    Labels beyond the output's limits are learnt as the nearer one, and answers end there.

    Raises:
        UseCaseError: the use case's model gives something else than one number a row.
    """
    one_number(signature)
    torch.manual_seed(options.seed)
    known, held_out = (tensors(learnt(part, signature)) for part in (train, validation))
    network = _Scaled(*(tensor.numpy() for tensor in known))
    loss = torch.nn.functional.mse_loss
    fit_network(network, known, held_out, loss, epochs=options.epochs, on_progress=on_progress)
    graph = exported(network, held_out[0][:1])
    return OnnxModel(graph, signature, {"torch": str(torch.__version__)})
