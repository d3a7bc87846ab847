"""What scikit-learn and PyTorch train, as an ONNX graph with the use case's signature."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from millrace.version_directory import ONNX_GRAPH
from udfs.errors import UseCaseError
from udfs.use_cases.contract import DECISION, SCORE, ModelSignature

_QUIET = 3


class OnnxModel:
    """A fitted model behind the protocol of `training.models.fitted`, served by ONNX Runtime.

    Its signature has to be `serving_default`: an ONNX graph has one, and no name for it.

    Args:
        graph: an ONNX model with one input, feature rows, and one output of a number a row,
            (n,) or (n, 1); both get the signature's names, and the output its limits.
        signature: the use case's.
        library_versions: of what trained it; ONNX' own are added.
        threshold: scores from here on are decided as true; the graph then gives a decision, too.

    Attributes:
        threshold: the same.
        library_versions: of everything that made it.

    Raises:
        UseCaseError: the use case's model gives something else than one number a row, or, with a
            threshold, than score and decision.
    """

    def __init__(
        self,
        graph: Any,
        signature: ModelSignature,
        library_versions: Mapping[str, str],
        *,
        threshold: float | None = None,
    ) -> None:
        self.threshold = threshold
        self.library_versions: Mapping[str, str] = {
            **library_versions,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        }
        self._input = signature.input_name
        if threshold is None:
            number = one_number(signature)
            self._outputs = [number]
            self._graph = _named(graph, self._input, number, signature.outputs[0].limits)
        else:
            score_and_decision(signature)
            self._outputs = [SCORE.tensor, DECISION.tensor]
            self._graph = _decided(_named(graph, self._input, SCORE.tensor), threshold)
        onnx.checker.check_model(self._graph)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _QUIET
        self._session = onnxruntime.InferenceSession(
            self._graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def outputs(self, features: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
        """The number of each row, or score and decision, (n,) each, for feature rows (n, f)."""
        found = self._session.run(self._outputs, {self._input: features})
        return dict(zip(self._outputs, found, strict=True))

    def save(self, folder: Path) -> None:
        """Writes `model.onnx`."""
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(self._graph, str(folder / ONNX_GRAPH))


def one_number(signature: ModelSignature) -> str:
    """The tensor of a model that gives one float32 a row.

    Raises:
        UseCaseError: it gives something else.
    """
    (first, *others) = signature.outputs
    if others or first.dtype != "float32" or first.width is not None:
        raise UseCaseError(
            f"model {signature.model_name!r} gives {len(signature.outputs)} outputs of "
            f"{first.dtype}; this training makes models of one float32 a row"
        )
    return first.tensor


def score_and_decision(signature: ModelSignature) -> None:
    """Returns when a model gives score and decision.

    Raises:
        UseCaseError: it gives something else.
    """
    if signature.outputs != (SCORE, DECISION):
        given = ", ".join(output.tensor for output in signature.outputs)
        raise UseCaseError(
            f"model {signature.model_name!r} gives {given}; this training makes models of "
            f"{SCORE.tensor} and {DECISION.tensor}, for yes-or-no labels"
        )


def _named(
    graph: Any, input_name: str, output_name: str, limits: tuple[float, float] | None = None
) -> Any:
    """The model with these names for its input and output, the output within limits, (n,)."""
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    inner = model.graph
    own_input, own_output = inner.input[0].name, inner.output[0].name
    for node in inner.node:
        node.input[:] = [input_name if name == own_input else name for name in node.input]
    inner.input[0].name = input_name
    shape = helper.make_tensor("millrace_rows", TensorProto.INT64, [1], [-1])
    inner.initializer.append(shape)
    flat = output_name if limits is None else "millrace_number"
    inner.node.append(helper.make_node("Reshape", [own_output, shape.name], [flat]))
    if limits is not None:
        ends = [f"millrace_{end}" for end in ("lowest", "highest")]
        for name, value in zip(ends, limits, strict=True):
            inner.initializer.append(helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
        inner.node.append(helper.make_node("Clip", [flat, *ends], [output_name]))
    del inner.output[:]
    inner.output.append(helper.make_tensor_value_info(output_name, TensorProto.FLOAT, [None]))
    return model


def _decided(model: Any, threshold: float) -> Any:
    """The model with the decision as a further output: whether the score reaches the threshold."""
    inner = model.graph
    limit = helper.make_tensor("millrace_threshold", TensorProto.FLOAT, [], [threshold])
    inner.initializer.append(limit)
    names = [SCORE.tensor, limit.name]
    inner.node.append(helper.make_node("GreaterOrEqual", names, [DECISION.tensor]))
    decided = helper.make_tensor_value_info(DECISION.tensor, TensorProto.BOOL, [None])
    inner.output.append(decided)
    return model
