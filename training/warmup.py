"""Warm-up requests of a version, which a model server runs before the version is available."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from udfs.client import tensors
from udfs.client.schema import Fields, message_classes
from udfs.client.wire import TABLES as CLIENT_TABLES
from udfs.use_cases.contract import ModelSignature

FILE: Final = "tf_serving_warmup_requests"
"""Name under `assets.extra/`, TensorFlow Serving's own."""

_TABLES: Final[dict[str, Fields]] = {
    **CLIENT_TABLES,
    "PredictLog": ((1, "request", "PredictRequest"),),
    "PredictionLog": ((6, "predict_log", "PredictLog"),),
}
_SIZES = (1, 64, 1_024)


def write_warm_up(file: Path, signature: ModelSignature, rows: NDArray[Any]) -> None:
    """Writes a TFRecord file of requests of one, some and many rows.

    Args:
        file: where to write it.
        signature: what is called.
        rows: feature rows to repeat, at least one, of the signature's `input_dtype`.
    """
    from training.models.tensorflow_quiet import tf  # noqa: PLC0415  (seconds to load)

    classes = message_classes("millrace.training", _TABLES)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for size in _SIZES:
            log = classes["PredictionLog"]()
            request = log.predict_log.request
            request.model_spec.name = signature.model_name
            request.model_spec.signature_name = signature.signature_name
            many = np.resize(rows, (size, rows.shape[1]))
            tensors.encode(many, request.inputs[signature.input_name])
            writer.write(log.SerializeToString())
