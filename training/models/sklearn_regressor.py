"""A number a row by scikit-learn's gradient boosting, served as ONNX.

For any use case whose model gives one float32: name it in `fit`.
"""

import numpy as np
import skl2onnx
import sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.models.onnx_model import OnnxModel
from training.progress import OnProgress
from training.targets import learnt
from udfs.use_cases.contract import ModelSignature

_TREES_AN_EPOCH = 10


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
) -> OnnxModel:
    """Trains ten trees an epoch on `train` and `validation` together.

    Labels beyond the output's limits are learnt as the nearer one, and answers end there.

    Raises:
        UseCaseError: the use case's model gives something else than one number a row.
    """
    both = learnt(Dataset.joined([train, validation]), signature)
    booster = HistGradientBoostingRegressor(
        max_iter=_TREES_AN_EPOCH * options.epochs, early_stopping=False, random_state=options.seed
    )
    # The many short parallel steps of a second thread cost more than they bring on a busy machine.
    with threadpool_limits(1, "openmp"):
        booster.fit(both.features.astype(np.float32), both.labels)
    on_progress("fits", 1, 1)
    kind = FloatTensorType([None, both.features.shape[1]])
    graph = skl2onnx.to_onnx(booster, initial_types=[(signature.input_name, kind)])
    versions = {"scikit-learn": sklearn.__version__, "skl2onnx": skl2onnx.__version__}
    return OnnxModel(graph, signature, versions)
