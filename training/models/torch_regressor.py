"""A number a row by a small PyTorch network, served as ONNX.

For any use case whose model gives one float32: name it in `fit`. Needs the extra `torch`.
"""

from io import BytesIO
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.models.onnx_model import OnnxModel, one_number
from training.progress import OnProgress
from udfs.use_cases.contract import ModelSignature

_UNITS = (64, 32)
_BATCH = 256
_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 1e-3
_OPSET = 17
_TINY = 1e-6


class _Scaled(torch.nn.Module):
    """Features scaled on the way in, the number scaled back on the way out."""

    def __init__(self, features: NDArray[np.float32], labels: NDArray[np.float32]) -> None:
        super().__init__()
        layers: list[torch.nn.Module] = []
        width = features.shape[1]
        for units in _UNITS:
            layers += [torch.nn.Linear(width, units), torch.nn.ReLU()]
            width = units
        self.layers = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
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

    Raises:
        UseCaseError: the use case's model gives something else than one number a row.
    """
    one_number(signature)
    torch.manual_seed(options.seed)
    features, labels = _tensors(train)
    held_out, truth = _tensors(validation)
    network = _Scaled(features.numpy(), labels.numpy())
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    best, weights = float("inf"), network.state_dict()
    for epoch in range(1, options.epochs + 1):
        for rows in torch.randperm(len(labels)).split(_BATCH):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(network(features[rows])[:, 0], labels[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            error = float(torch.nn.functional.mse_loss(network(held_out)[:, 0], truth))
        if error < best:
            best = error
            weights = {name: value.clone() for name, value in network.state_dict().items()}
        on_progress("epochs", epoch, options.epochs)
    network.load_state_dict(weights)
    return OnnxModel(_exported(network, held_out[:1]), signature, {"torch": torch.__version__})


def _tensors(part: Dataset) -> tuple[Any, Any]:
    return (
        torch.tensor(part.features.astype(np.float32)),
        torch.tensor(part.labels.astype(np.float32)),
    )


def _exported(network: Any, example: Any) -> Any:
    """The network as an ONNX model for any number of rows."""
    file = BytesIO()
    torch.onnx.export(
        network.eval(),
        (example,),
        file,
        input_names=["rows"],
        output_names=["numbers"],
        dynamic_axes={"rows": {0: "n"}, "numbers": {0: "n"}},
        opset_version=_OPSET,
        dynamo=False,
    )
    return onnx.load_from_string(file.getvalue())
