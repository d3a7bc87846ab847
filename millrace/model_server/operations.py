"""Operations of a graph, to tell whether the size of its inputs bounds how long it runs."""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError

from millrace.model_server.wire_walk import BYTES, Field, fields

# Numbers of fields, as tensorflow/core/protobuf/meta_graph.proto and onnx/onnx.proto have them.
_TENSORFLOW: Final = (
    (2, 1, 2),  # graph_def, node, op
    (2, 2, 1, 3, 2),  # graph_def, library, function, node_def, op
)
_ONNX: Final = (
    (7, 1, 4),  # graph, node, op_type
    (25, 7, 4),  # functions, node, op_type
)
_TENSORFLOW_LOOPS: Final = frozenset(
    {"While", "StatelessWhile", "For", "NextIteration", "RefNextIteration"}
)
# The graphs inside of an If are not looked into; in TensorFlow they are functions.
_ONNX_LOOPS: Final = frozenset({"Loop", "Scan", "SequenceMap", "If"})
_WAITING: Final = (
    *("Dequeue", "Enqueue", "Barrier", "Unstage", "IteratorGetNext", "Dataset", "PyFunc"),
    *("Recv", "Collective"),
)


def saved_model_bounded(meta_graph: bytes) -> bool:
    """Whether no operation of a serialised MetaGraphDef repeats others, or waits."""
    return _bounded(meta_graph, _TENSORFLOW, _TENSORFLOW_LOOPS)


def onnx_bounded(model: Any) -> bool:
    """Whether no operation of a serialised ModelProto, or a map of its file, repeats others."""
    return _bounded(model, _ONNX, _ONNX_LOOPS)


def _bounded(message: bytes, paths: tuple[tuple[int, ...], ...], loops: frozenset[str]) -> bool:
    try:
        for path in paths:
            for found in _at(message, 0, len(message), path):
                kind = str(message[found.start : found.end], "utf-8")
                if kind in loops or any(part in kind for part in _WAITING):
                    return False
    except (DecodeError, UnicodeDecodeError):
        # What cannot be looked at may do anything.
        return False
    return True


def _at(message: bytes, start: int, end: int, path: tuple[int, ...]) -> Iterator[Field]:
    """The fields at the end of a path of field numbers."""
    for found in fields(message, start, end):
        if found.number == path[0] and found.kind == BYTES:
            if len(path) == 1:
                yield found
            else:
                yield from _at(message, found.start, found.end, path[1:])
