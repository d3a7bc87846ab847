"""A yes-or-no label by scikit-learn's gradient boosting, served as ONNX.

For any use case whose model gives score and decision: name it in `fit`, or in `millrace train
--fit`.
"""

from typing import Any

import numpy as np
import skl2onnx
import sklearn
from numpy.typing import NDArray
from onnx import TensorProto, helper
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from training.dataset import Dataset, require_both_labels
from training.models.fitted import FitOptions
from training.models.onnx_model import OnnxModel, score_and_decision
from training.models.stages import best_stage, between_scores
from training.progress import OnProgress
from udfs.use_cases.contract import ModelSignature

_TREES_AN_EPOCH = 8
_LEARNING_RATE = 0.05
_PROBABILITY = "millrace_probability"


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
) -> OnnxModel:
    """Grows trees on `train` until `validation` is predicted best, then as many on both.

    Eight trees at most count as an epoch. The threshold is that of the highest F1 on
    `validation`, by the trees that have not seen it.

    Raises:
        DataError: training or validation has no positive label, or nothing else.
        UseCaseError: the use case's model gives something else than score and decision.
    """
    score_and_decision(signature)
    require_both_labels(train, validation)
    most = _TREES_AN_EPOCH * options.epochs
    first = _grown(train, most, options.seed)
    on_progress("fits", 1, 2)
    count, scores = best_stage(first, _columns(validation), validation.labels)
    last = _grown(Dataset.joined([train, validation]), count, options.seed)
    on_progress("fits", 2, 2)
    versions = {"scikit-learn": sklearn.__version__, "skl2onnx": skl2onnx.__version__}
    threshold = between_scores(validation.labels, scores)
    return OnnxModel(_exported(last, signature), signature, versions, threshold=threshold)


def _columns(part: Dataset) -> NDArray[np.float32]:
    columns: NDArray[np.float32] = part.features.astype(np.float32)
    return columns


def _grown(part: Dataset, count: int, seed: int) -> Any:
    booster = HistGradientBoostingClassifier(
        learning_rate=_LEARNING_RATE, max_iter=count, early_stopping=False, random_state=seed
    )
    # The many short parallel steps of a second thread cost more than they bring on a busy machine.
    with threadpool_limits(1, "openmp"):
        return booster.fit(_columns(part), part.labels)


def _exported(booster: Any, signature: ModelSignature) -> Any:
    """An ONNX model whose one output is the probability of the label, (n, 1)."""
    kind = FloatTensorType([None, booster.n_features_in_])
    model = skl2onnx.to_onnx(
        booster,
        initial_types=[(signature.input_name, kind)],
        options={id(booster): {"zipmap": False}},
    )
    inner = model.graph
    yes = helper.make_tensor("millrace_yes", TensorProto.INT64, [1], [1])
    inner.initializer.append(yes)
    of_both = inner.output[1].name  # after the label, probabilities of no and yes: (n, 2)
    inner.node.append(helper.make_node("Gather", [of_both, yes.name], [_PROBABILITY], axis=1))
    del inner.output[:]
    inner.output.append(helper.make_tensor_value_info(_PROBABILITY, TensorProto.FLOAT, [None, 1]))
    return model
