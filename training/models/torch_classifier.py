"""A yes-or-no label by a small PyTorch network, served as ONNX.

For any use case whose model gives score and decision: name it in `fit`, or in `millrace train
--fit`. Needs the extra `torch`.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.dataset import Dataset, require_both_labels
from training.models.fitted import FitOptions
from training.models.onnx_model import OnnxModel, score_and_decision
from training.models.stages import between_scores
from training.models.torch_network import dense, exported, fit_network, tensors
from training.progress import OnProgress
from udfs.use_cases.contract import ModelSignature

_TINY = 1e-6


class _Logits(torch.nn.Module):
    """Logits of the features' logarithms, whose differences are ratios."""

    def __init__(self, features: NDArray[np.float32], share: float) -> None:
        super().__init__()
        logarithms = np.sign(features) * np.log1p(np.abs(features))
        self.layers = dense(features.shape[1])
        self.register_buffer("mean", torch.tensor(logarithms.mean(axis=0)))
        self.register_buffer("spread", torch.tensor(logarithms.std(axis=0) + _TINY))
        # It starts from the share of positives instead of learning it first.
        torch.nn.init.constant_(self.layers[-1].bias, float(np.log(share / (1 - share))))

    def forward(self, rows: Any) -> Any:
        """Logits (n, 1) for feature rows (n, f)."""
        logarithms = torch.sign(rows) * torch.log1p(torch.abs(rows))
        return self.layers((logarithms - self.mean) / self.spread)


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
) -> OnnxModel:
    """Trains for all epochs on `train`, and keeps the weights that were best on `validation`.

    The threshold is that of the highest F1 on `validation`.

    Raises:
        DataError: training or validation has no positive label, or nothing else.
        UseCaseError: the use case's model gives something else than score and decision.
    """
    score_and_decision(signature)
    require_both_labels(train, validation)
    torch.manual_seed(options.seed)
    known, held_out = tensors(train), tensors(validation)
    network = _Logits(known[0].numpy(), float(np.mean(train.labels)))
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    fit_network(network, known, held_out, loss, epochs=options.epochs, on_progress=on_progress)
    probability = torch.nn.Sequential(network, torch.nn.Sigmoid()).eval()
    with torch.no_grad():
        scores = probability(held_out[0])[:, 0].numpy()
    graph = exported(probability, held_out[0][:1])
    threshold = between_scores(validation.labels, scores)
    return OnnxModel(graph, signature, {"torch": str(torch.__version__)}, threshold=threshold)
