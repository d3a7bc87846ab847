"""The platform onnxruntime: ONNX models through the same API, where TensorFlow is not installed."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier

from millrace.stack.ports import free_ports
from tests.unit.model_server.running_server import run_to_its_end, running, wait_until
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome
from udfs.client.predict import PredictionClient

DEADLINE_S = 20.0
FEATURES = 5
HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


@dataclass(frozen=True)
class Served:
    """A server of ONNX models.

    Attributes:
        target: gRPC's address.
        rest: the beginning of REST's URLs.
        folder: the models.
        classifier: what the model `score` was made from.
    """

    target: str
    rest: str
    folder: Path
    classifier: Any


def rows(count: int = 64) -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(size=(count, FEATURES)).astype(np.float32)


def trained(seed: int = 0) -> Any:
    x = rows(400)
    labels = (x @ np.arange(FEATURES) > 0.5).astype(int)
    return GradientBoostingClassifier(n_estimators=10, random_state=seed).fit(x, labels)


def published(model: Any, base_path: Path, version: int = 1) -> None:
    staged = base_path / f".staged-{version}"
    staged.mkdir(parents=True)
    onnx.save(model, staged / "model.onnx")
    staged.rename(base_path / str(version))


def converted(classifier: Any, *, zipmap: bool = False) -> Any:
    return to_onnx(classifier, rows(1), options={"zipmap": zipmap})


def doubling() -> Any:
    text = [helper.make_tensor_value_info(name, TensorProto.STRING, [None]) for name in "xy"]
    node = helper.make_node("Concat", ["x", "x"], ["y"], axis=0)
    graph = helper.make_graph([node], "twice", text[:1], text[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def hide(folder: Path, patch: pytest.MonkeyPatch, *names: str) -> None:
    """Lets processes that start from now on find no packages of these names."""
    (folder / "sitecustomize.py").write_text(HIDE.format(hidden=set(names)))
    patch.setenv("PYTHONPATH", str(folder))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, classifier = tmp_path_factory.mktemp("onnx"), trained()
    published(converted(classifier), folder / "score")
    published(doubling(), folder / "twice")
    config = "".join(
        f'config {{ name: "{n}" base_path: "{folder / n}" model_platform: "onnxruntime" }}'
        for n in ("score", "twice")
    )
    (folder / "models.config").write_text(f"model_config_list {{ {config} }}")
    (rest,) = free_ports(8501)
    flags = (f"--model_config_file={folder / 'models.config'}", f"--rest_api_port={rest}")
    with pytest.MonkeyPatch.context() as patch:
        hide(folder, patch, "tensorflow", "tensorflow_serving", "keras")
        with running(folder / "log", *flags) as process:
            yield Served(process.target, f"http://127.0.0.1:{rest}/v1/models", folder, classifier)


def asked(target: str, name: str, **inputs: NDArray[Any]) -> Outcome:
    async def ask() -> Outcome:
        client = PredictionClient(target)
        try:
            return await client.predict(name, inputs, deadline_s=DEADLINE_S)
        finally:
            await client.close()

    return asyncio.run(ask())


def got(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url, data, timeout=DEADLINE_S) as response:
        return json.loads(response.read())


def test_a_classifier_of_scikit_learn_answers_as_it_does_itself(served: Served) -> None:
    x = rows()
    answer = asked(served.target, "score", X=x)
    assert isinstance(answer, Answer), answer
    expected = served.classifier.predict_proba(x)
    np.testing.assert_allclose(answer.outputs["probabilities"], expected, atol=1e-6)
    np.testing.assert_array_equal(answer.outputs["label"], served.classifier.predict(x))


def test_rest_answers_as_grpc_does(served: Served) -> None:
    x = rows(3)
    found = got(f"{served.rest}/score:predict", {"instances": x.tolist()})["predictions"]
    expected = served.classifier.predict_proba(x)
    np.testing.assert_allclose([row["probabilities"] for row in found], expected, atol=1e-6)
    assert [row["label"] for row in found] == served.classifier.predict(x).tolist()


def test_the_signature_is_the_graphs(served: Served) -> None:
    found = got(f"{served.rest}/score/metadata")["metadata"]["signature_def"]["signature_def"]
    signature = found["serving_default"]
    infos = {**signature["inputs"], **signature["outputs"]}
    shown = {
        name: (info["dtype"], [dim["size"] for dim in info["tensor_shape"]["dim"]])
        for name, info in infos.items()
    }
    assert shown == {
        "X": ("DT_FLOAT", ["-1", str(FEATURES)]),
        "label": ("DT_INT64", ["-1"]),
        "probabilities": ("DT_FLOAT", ["-1", "2"]),
    }


def test_strings_are_bytes_outside_and_text_inside(served: Served) -> None:
    answer = asked(served.target, "twice", x=np.array([b"a", "ü".encode()], object))
    assert isinstance(answer, Answer), answer
    assert answer.outputs["y"].tolist() == [b"a", "ü".encode()] * 2


REFUSED: dict[str, tuple[str, dict[str, NDArray[Any]], str]] = {
    "dtype": (
        "score",
        {"X": np.zeros((1, FEATURES))},
        "Unexpected input data type. Actual: (tensor(double)) , expected: (tensor(float))",
    ),
    "axes": ("score", {"X": np.zeros(FEATURES, np.float32)}, "Invalid rank for input: X"),
    "width": (
        "score",
        {"X": np.zeros((1, FEATURES + 1), np.float32)},
        "Got invalid dimensions for input: X",
    ),
    "input": (
        "score",
        {"z": np.zeros((1, FEATURES), np.float32)},
        "Signature input alias: X(feed name: X) not found in request",
    ),
    "text": ("twice", {"x": np.array([b"\xff"], object)}, "input x holds a string that is no"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_requests_that_do_not_fit_are_the_senders_fault(
    served: Served, case: tuple[str, dict[str, NDArray[Any]], str]
) -> None:
    name, inputs, text = case
    failure = asked(served.target, name, **inputs)
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.INVALID_REQUEST
    assert text in failure.message


def test_a_published_version_takes_over(served: Served) -> None:
    newer = trained(seed=5)
    published(converted(newer), served.folder / "score", 2)
    x = rows()

    def answered_by_it() -> bool:
        answer = asked(served.target, "score", X=x)
        return isinstance(answer, Answer) and answer.version == 2

    wait_until(answered_by_it)
    answer = asked(served.target, "score", X=x)
    assert isinstance(answer, Answer)
    np.testing.assert_allclose(answer.outputs["probabilities"], newer.predict_proba(x), atol=1e-6)


def test_callers_of_a_batch_get_their_own_rows(tmp_path: Path) -> None:
    classifier = trained()
    published(converted(classifier), tmp_path / "model")
    (tmp_path / "batching").write_text(
        "max_batch_size { value: 8 } batch_timeout_micros { value: 50000 }"
    )
    batching = ("--enable_batching", f"--batching_parameters_file={tmp_path / 'batching'}")
    x = rows(8)
    flags = [flag for flag in flags_for(tmp_path / "model") if flag != "--port=0"]

    async def ask_all(target: str) -> list[Outcome]:
        client = PredictionClient(target)
        calls = [client.predict("default", {"X": row[None, :]}, deadline_s=DEADLINE_S) for row in x]
        try:
            return list(await asyncio.gather(*calls))
        finally:
            await client.close()

    with running(tmp_path / "log", *flags, *batching) as process:
        answers = asyncio.run(ask_all(process.target))
    found = [a.outputs["probabilities"][0] for a in answers if isinstance(a, Answer)]
    np.testing.assert_allclose(np.array(found), classifier.predict_proba(x), atol=1e-6)


def flags_for(folder: Path) -> list[str]:
    return ["--port=0", f"--model_base_path={folder}", "--model_platform=onnxruntime"]


def test_maps_instead_of_tensors_are_told_at_the_load(tmp_path: Path) -> None:
    published(converted(trained(), zipmap=True), tmp_path / "model")
    ended = run_to_its_end(*flags_for(tmp_path / "model"))
    assert ended.returncode == 5
    assert "convert the classifier with zipmap=False" in ended.stderr


def test_a_broken_file_is_told_at_the_load(tmp_path: Path) -> None:
    (tmp_path / "model" / "1").mkdir(parents=True)
    (tmp_path / "model" / "1" / "model.onnx").write_bytes(b"no model")
    ended = run_to_its_end(*flags_for(tmp_path / "model"))
    assert ended.returncode == 5
    assert "version 1 of model default cannot be loaded: " in ended.stderr


def test_a_missing_runtime_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(doubling(), tmp_path / "model")
    hide(tmp_path, monkeypatch, "onnxruntime")
    ended = run_to_its_end(*flags_for(tmp_path / "model"))
    assert ended.returncode != 0
    assert "install it with: pip install onnxruntime" in ended.stderr
