"""Golden rows: what a model gave when it was trained, held against what was saved of it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from millrace.manifest import GoldenRows
from millrace.version_directory import ONNX_GRAPH
from udfs.errors import DataError
from udfs.use_cases.contract import ModelSignature

TOLERANCE = 1e-6
"""How far a served number may be from the trained model's; relative for those above 1."""


def check_saved_model(folder: Path, signature: ModelSignature, golden: GoldenRows) -> None:
    """Loads a version from its files, a SavedModel or an ONNX graph, and asks it.

    Raises:
        DataError: it answers otherwise than the trained model did.
    """
    check(signature, golden, _answers(folder, signature, golden))


def check(signature: ModelSignature, golden: GoldenRows, answers: dict[str, NDArray[Any]]) -> None:
    """Holds answers by output tensor against golden rows.

    Raises:
        DataError: a number is further off than `TOLERANCE`, or anything else differs.
    """
    for output in signature.outputs:
        expected = np.array(golden.outputs[output.tensor], output.dtype)
        found = answers[output.tensor]
        if found.shape != expected.shape:
            raise DataError(
                f"the saved model gives {output.tensor} of shape {found.shape} for the golden "
                f"rows, the trained one {expected.shape}"
            )
        off = np.abs(found.astype(np.float64) - expected.astype(np.float64))
        off /= np.maximum(np.abs(expected.astype(np.float64)), 1.0)
        if off.size and not off.max() <= (TOLERANCE if output.dtype == "float32" else 0):
            row = int(off.reshape(len(off), -1).max(axis=1).argmax())
            raise DataError(
                f"the saved model is not the trained one: {output.tensor} of golden row {row} is "
                f"{found[row]}, and was {expected[row]}"
            )


def _answers(
    folder: Path, signature: ModelSignature, golden: GoldenRows
) -> dict[str, NDArray[Any]]:
    rows = np.array(golden.features, signature.input_dtype)
    if (folder / ONNX_GRAPH).is_file():
        return _of_onnx(folder / ONNX_GRAPH, {signature.input_name: rows})
    from training.models.tensorflow_quiet import tf  # noqa: PLC0415  (seconds to load)

    call = tf.saved_model.load(str(folder)).signatures[signature.signature_name]
    answers = call(**{signature.input_name: tf.constant(rows)})
    return {name: tensor.numpy() for name, tensor in answers.items()}


def _of_onnx(file: Path, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    import onnxruntime  # noqa: PLC0415  (only who trains by ONNX has to have it)

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))
