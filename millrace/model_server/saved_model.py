"""A SavedModel on TensorFlow's session, the way TensorFlow Serving runs it."""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from millrace.model_server import wire
from millrace.model_server.errors import LoadError, RequestError, invalid
from millrace.model_server.operations import saved_model_bounded
from millrace.model_server.servable import Feeds, Signature, TensorInfo
from millrace.model_server.tensorflow_library import Output, load_library
from millrace.model_server.tensorflow_tensors import arrays_of, tensors_of
from udfs.client import tensors

_SERVE_TAG = b"serve"
_UNIMPLEMENTED = 12


@dataclass(frozen=True)
class SessionThreads:
    """How many threads a session may use.

    Attributes:
        intra_op: threads inside one operation; 0 lets TensorFlow choose.
        inter_op: operations at once; 1 runs them on the calling thread, 0 lets TensorFlow choose.
    """

    intra_op: int = 1
    inter_op: int = 1

    def config(self) -> bytes:
        """The session's configuration, a serialised `tensorflow.ConfigProto`."""
        # Handing a small graph to a pool of one thread costs more than running it; a negative
        # number keeps it on the caller's.
        inter_op = -1 if self.inter_op == 1 else self.inter_op
        config: bytes = wire.ConfigProto(
            intra_op_parallelism_threads=self.intra_op, inter_op_parallelism_threads=inter_op
        ).SerializeToString()
        return config


class _Status:
    """The status of one call into the library, freed on leaving the block."""

    def __init__(self) -> None:
        self._library = load_library()

    def __enter__(self) -> "_Status":
        self.pointer = self._library.TF_NewStatus()
        return self

    def __exit__(self, *_: object) -> None:
        self._library.TF_DeleteStatus(self.pointer)

    def check(self, error: Callable[[int, str], Exception]) -> None:
        code = self._library.TF_GetCode(self.pointer)
        if code:
            message = self._library.TF_Message(self.pointer).decode(errors="replace")
            raise error(code, message)


class SavedModelSession:
    """A loaded SavedModel; `run` is safe from several threads.

    Args:
        directory: a version directory with `saved_model.pb` in it.
        threads: the session's threads.

    Raises:
        LoadError: the directory holds no SavedModel that TensorFlow can load.
    """

    def __init__(self, directory: Path, threads: SessionThreads) -> None:
        self._library = load_library()
        self._graph = self._library.TF_NewGraph()
        try:
            self._session, meta_graph = self._load(directory, threads.config())
        except LoadError:
            self._library.TF_DeleteGraph(self._graph)
            raise
        self._places: dict[str, Output] = {}
        try:
            self.signatures, self.signature_def_map = _signatures(meta_graph)
            self.bounded = saved_model_bounded(meta_graph)
        except ValueError as error:
            self.close()
            raise LoadError(_UNIMPLEMENTED, f"a default of a signature: {error}") from error

    def _load(self, directory: Path, config: bytes) -> tuple[int, bytes]:
        library = self._library
        options, buffer = library.TF_NewSessionOptions(), library.TF_NewBuffer()
        tags = (ctypes.c_char_p * 1)(_SERVE_TAG)
        try:
            with _Status() as status:
                library.TF_SetConfig(options, config, len(config), status.pointer)
                status.check(LoadError)
                path = str(directory).encode()
                session = library.TF_LoadSessionFromSavedModel(
                    options, None, path, tags, 1, self._graph, buffer, status.pointer
                )
                status.check(LoadError)
            content = buffer.contents
            return session, ctypes.string_at(content.data, content.length)
        finally:
            library.TF_DeleteBuffer(buffer)
            library.TF_DeleteSessionOptions(options)

    def run(self, feeds: Feeds, fetches: Sequence[str]) -> list[NDArray[Any]]:
        """The values of the tensors named in `fetches`.

        Raises:
            RequestError: the runtime's own status and message.
        """
        library = self._library
        inputs = (Output * len(feeds))(*[self._place(name) for name, _ in feeds])
        outputs = (Output * len(fetches))(*[self._place(name) for name in fetches])
        results = (ctypes.c_void_p * len(fetches))()
        with tensors_of([array for _, array in feeds]) as made, _Status() as status:
            values = (ctypes.c_void_p * len(made))(*made)
            library.TF_SessionRun(
                *(self._session, None, inputs, values, len(made)),
                *(outputs, results, len(fetches), None, 0, None, status.pointer),
            )
            status.check(RequestError.of_runtime)
            return arrays_of([tensor for tensor in results if tensor])

    def _place(self, name: str) -> Output:
        place = self._places.get(name)
        if place is None:
            operation, _, index = name.partition(":")
            found = self._library.TF_GraphOperationByName(self._graph, operation.encode())
            if not found or not index.isdigit():
                raise invalid(
                    f"Tensor {name}, specified in either feed_devices or fetch_devices was not "
                    "found in the Graph"
                )
            place = self._places[name] = Output(found, int(index))
        return place

    def close(self) -> None:
        """Frees the session and its graph; nothing may run any more."""
        with _Status() as status:
            self._library.TF_CloseSession(self._session, status.pointer)
            self._library.TF_DeleteSession(self._session, status.pointer)
        self._library.TF_DeleteGraph(self._graph)


def _signatures(meta_graph: bytes) -> tuple[Mapping[str, Signature], bytes]:
    found = wire.MetaGraphDef.FromString(meta_graph).signature_def
    signature_def_map = wire.SignatureDefMap()
    for name, signature in found.items():
        signature_def_map.signature_def[name].CopyFrom(signature)
    signatures = {
        name: Signature(
            signature.method_name,
            {alias: _info(info) for alias, info in signature.inputs.items()},
            {alias: _info(info) for alias, info in signature.outputs.items()},
            {alias: tensors.decode(value) for alias, value in signature.defaults.items()},
        )
        for name, signature in found.items()
    }
    return signatures, signature_def_map.SerializeToString()


def _info(info: Any) -> TensorInfo:
    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
    return TensorInfo(info.name, info.dtype, sizes)
