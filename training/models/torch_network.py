"""A small PyTorch network: its layers, its training, and its export to ONNX."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import onnx
import torch

from training.dataset import Dataset
from training.progress import OnProgress

_UNITS = (64, 32)
_BATCH = 256
_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 1e-3
_OPSET = 17

Part = tuple[Any, Any]
"""Feature rows (n, f) and labels (n,), float32 tensors."""


def tensors(part: Dataset) -> Part:
    """The rows and labels of a part of the data."""
    return (
        torch.tensor(part.features.astype(np.float32)),
        torch.tensor(part.labels.astype(np.float32)),
    )


def dense(width: int) -> Any:
    """Layers from rows (n, width) to numbers (n, 1)."""
    layers: list[torch.nn.Module] = []
    for units in _UNITS:
        layers += [torch.nn.Linear(width, units), torch.nn.ReLU()]
        width = units
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))


def fit_network(
    network: Any,
    train: Part,
    validation: Part,
    loss: Callable[[Any, Any], Any],
    *,
    epochs: int,
    on_progress: OnProgress,
) -> None:
    """Trains for all epochs, and leaves the weights that were best on `validation`.

    Args:
        network: gives numbers (n, 1) for rows (n, f).
        train: what it learns from.
        validation: what chooses the weights.
        loss: of numbers (n,) and labels (n,).
        epochs: passes over `train`.
        on_progress: told of epochs.
    """
    features, labels = train
    held_out, truth = validation
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY
    )
    best, weights = float("inf"), network.state_dict()
    for epoch in range(1, epochs + 1):
        for rows in torch.randperm(len(labels)).split(_BATCH):
            optimizer.zero_grad()
            loss(network(features[rows])[:, 0], labels[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            error = float(loss(network(held_out)[:, 0], truth))
        if error < best:
            best = error
            weights = {name: value.clone() for name, value in network.state_dict().items()}
        on_progress("epochs", epoch, epochs)
    network.load_state_dict(weights)


def exported(network: Any, example: Any) -> Any:
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
