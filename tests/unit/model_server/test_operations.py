"""Which graphs run as long as their inputs are large, on real ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from millrace.model_server.onnx_model import OnnxSession
from millrace.model_server.operations import onnx_bounded, saved_model_bounded
from millrace.model_server.saved_model import SavedModelSession, SessionThreads
from tests.unit.model_server import saved_models

THREADS = SessionThreads()


@pytest.mark.parametrize(
    ("made", "bounded"),
    [(saved_models.fraud, True), (saved_models.examples, True), (saved_models.odd, False)],
    ids=["matrix", "examples", "loop"],
)
def test_saved_model_with_a_loop_is_not_bounded(made: Callable[[], Path], bounded: bool) -> None:
    session = SavedModelSession(made(), THREADS)
    try:
        assert session.bounded == bounded
    finally:
        session.close()


def doubled(trips: int | None) -> onnx.ModelProto:
    """A graph that doubles x, so many times in a loop, or once without one."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [None]) for n in ("x", "y"))
    if trips is None:
        nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
        return _model(helper.make_graph(nodes, "double", [x], [y]))
    step = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["a", "a"], ["b"])],
        "step",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("a", TensorProto.FLOAT, [None]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("b", TensorProto.FLOAT, [None]),
        ],
    )
    loop = helper.make_node("Loop", ["n", "", "x"], ["y"], body=step)
    count = helper.make_tensor("n", TensorProto.INT64, [], [trips])
    return _model(helper.make_graph([loop], "double", [x], [y], [count]))


def _model(graph: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("trips", "bounded"), [(None, True), (3, False)], ids=["plain", "loop"])
def test_onnx_graph_with_a_loop_is_not_bounded(
    tmp_path: Path, trips: int | None, bounded: bool
) -> None:
    onnx.save(doubled(trips), str(tmp_path / "model.onnx"))
    session = OnnxSession(tmp_path, THREADS)
    (y,) = session.run([("x", np.ones(1, np.float32))], ["y"])
    session.close()
    assert (session.bounded, y.tolist()) == (bounded, [2.0 ** (trips or 1)])


@pytest.mark.parametrize("bounded", [saved_model_bounded, onnx_bounded])
def test_what_cannot_be_read_is_not_bounded(bounded: Callable[[bytes], bool]) -> None:
    assert not bounded(b"\xff\xff")
