"""An ONNX model on ONNX Runtime; it needs no TensorFlow.

The signature `serving_default` is the graph's own: its inputs and outputs under their names.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from millrace.model_server import wire
from millrace.model_server.errors import LoadError, RequestError, invalid
from millrace.model_server.model_spec import DEFAULT_SIGNATURE
from millrace.model_server.operations import onnx_bounded
from millrace.model_server.saved_model import SessionThreads
from millrace.model_server.servable import Feeds, Signature, TensorInfo
from udfs.client.tensors import STRING
from udfs.errors import EnvironmentFault

GRAPH_FILE: Final = "model.onnx"
_PREDICT: Final = "tensorflow/serving/predict"
_INVALID, _NOT_FOUND, _UNIMPLEMENTED, _INTERNAL = 3, 5, 12, 13
_QUIET: Final = 4
_DTYPES: Final[Mapping[str, int]] = {
    "tensor(float)": 1,
    "tensor(double)": 2,
    "tensor(int32)": 3,
    "tensor(uint8)": 4,
    "tensor(int16)": 5,
    "tensor(int8)": 6,
    "tensor(string)": STRING,
    "tensor(int64)": 9,
    "tensor(bool)": 10,
    "tensor(uint16)": 17,
    "tensor(float16)": 19,
    "tensor(uint32)": 22,
    "tensor(uint64)": 23,
}
# Names of ONNX Runtime's exceptions; gRPC's numbers.
_CODES: Final = {
    "InvalidArgument": _INVALID,
    "InvalidGraph": _INVALID,
    "InvalidProtobuf": _INVALID,
    "NoSuchFile": _NOT_FOUND,
    "NotImplemented": _UNIMPLEMENTED,
}
_PREFIX: Final = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


class OnnxSession:
    """A loaded `model.onnx`; `run` is safe from several threads.

    Args:
        directory: a version directory.
        threads: the session's threads; 0 lets ONNX Runtime choose.

    Raises:
        LoadError: ONNX Runtime cannot load it, or it takes or gives what is no tensor.
        EnvironmentFault: ONNX Runtime is not installed.
    """

    def __init__(self, directory: Path, threads: SessionThreads) -> None:
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads.intra_op
        options.inter_op_num_threads = threads.inter_op
        options.log_severity_level = _QUIET
        providers = ["CPUExecutionProvider"]
        path = directory / GRAPH_FILE
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:
            # ONNX Runtime's exceptions share no class of their own.
            raise _translated(error, LoadError) from error
        signature = Signature(
            _PREDICT, _infos(self._session.get_inputs()), _infos(self._session.get_outputs())
        )
        self._strings = {info.name for info in signature.outputs.values() if info.dtype == STRING}
        self.signatures = {DEFAULT_SIGNATURE: signature}
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as model:
            self.bounded = onnx_bounded(model)
        self.signature_def_map = _serialized(signature)

    def run(self, feeds: Feeds, fetches: Sequence[str]) -> list[NDArray[Any]]:
        """The values of the tensors named in `fetches`.

        Raises:
            RequestError: ONNX Runtime's message, with the status that is closest.
        """
        inputs = {name: _as_text(name, array) for name, array in feeds}
        try:
            values = self._session.run(list(fetches), inputs)
        except Exception as error:
            # As above: what a model raises ends one request.
            raise _translated(error, RequestError.of_runtime) from error
        return [
            _as_bytes(value) if name in self._strings else np.asarray(value)
            for name, value in zip(fetches, values, strict=True)
        ]

    def close(self) -> None:
        """Frees the session; nothing may run any more."""
        del self._session


def _runtime() -> Any:
    try:
        # Only who serves ONNX has to have it.
        import onnxruntime  # noqa: PLC0415
    except ImportError as error:
        raise EnvironmentFault(
            "ONNX Runtime is not installed here; install it with: pip install onnxruntime"
        ) from error
    return onnxruntime


def _infos(arguments: Sequence[Any]) -> Mapping[str, TensorInfo]:
    infos = {}
    for argument in arguments:
        dtype = _DTYPES.get(argument.type)
        if dtype is None:
            hint = "; convert the classifier with zipmap=False" if "map(" in argument.type else ""
            message = f"{argument.name} is a {argument.type}, which cannot be served{hint}"
            raise LoadError(_UNIMPLEMENTED, message)
        # An axis without a number has a name, or none.
        shape = tuple(size if isinstance(size, int) else -1 for size in argument.shape)
        infos[argument.name] = TensorInfo(argument.name, dtype, shape)
    return infos


def _serialized(signature: Signature) -> bytes:
    found = wire.SignatureDefMap()
    message = found.signature_def[DEFAULT_SIGNATURE]
    message.method_name = signature.method_name
    for infos, described in (
        (signature.inputs, message.inputs),
        (signature.outputs, message.outputs),
    ):
        for alias, info in infos.items():
            described[alias].name, described[alias].dtype = info.name, info.dtype
            described[alias].tensor_shape.SetInParent()
            for size in info.shape or ():
                described[alias].tensor_shape.dim.add().size = size
    content: bytes = found.SerializeToString()
    return content


def _as_text(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype != object:
        return array
    # TensorFlow's strings are bytes, ONNX's are text.
    text = np.empty(array.size, object)
    try:
        text[:] = [value.decode() for value in array.ravel().tolist()]
    except UnicodeDecodeError as error:
        raise invalid(f"input {name} holds a string that is no UTF-8") from error
    return text.reshape(array.shape)


def _as_bytes(value: NDArray[Any]) -> NDArray[Any]:
    coded = np.empty(value.size, object)
    coded[:] = [text.encode() for text in value.ravel().tolist()]
    return coded.reshape(value.shape)


def _translated(error: Exception, of: Callable[[int, str], Exception]) -> Exception:
    code = _CODES.get(type(error).__name__, _INTERNAL)
    return of(code, _PREFIX.sub("", str(error)))
