"""Warm-up files that TensorFlow writes, on real SavedModels.

Expectations are from tensorflow/serving at 9d981c5: `servables/tensorflow/saved_model_warmup.cc`
and `saved_model_warmup_util.cc`.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from millrace.model_server.errors import LoadError
from millrace.model_server.saved_model import SavedModelSession, SessionThreads
from millrace.model_server.warmup import FILE, records, warm_up
from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import flags_for, running

FEATURES = np.ones((3, saved_models.FEATURES), np.float32)


def written(source: Path, folder: Path, logs: Sequence[Any]) -> Path:
    """A copy of a version with a warm-up file."""
    shutil.copytree(source, folder)
    (folder / FILE).parent.mkdir()
    with tf.io.TFRecordWriter(str(folder / FILE)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())
    return folder


def predict_log(array: Any = FEATURES) -> Any:
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = "fraud"
    request.inputs["features"].CopyFrom(tf.make_tensor_proto(array))
    return log


def example_logs() -> list[Any]:
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.append(0.5)
    classify, regress, several = [prediction_log_pb2.PredictionLog() for _ in range(3)]
    classify.classify_log.request.input.example_list.examples.append(example)
    regress.regress_log.request.model_spec.signature_name = "regress"
    regress.regress_log.request.input.example_list.examples.append(example)
    several.multi_inference_log.request.input.example_list.examples.append(example)
    task = several.multi_inference_log.request.tasks.add(method_name="tensorflow/serving/classify")
    task.model_spec.name = "m"
    return [classify, regress, several]


def warmed(folder: Path, iterations: int = 1) -> int | tuple[int, str]:
    """The records that ran, or code and message."""
    session = SavedModelSession(folder, SessionThreads())
    try:
        return warm_up(session, folder, iterations)
    except LoadError as error:
        return error.code, error.message
    finally:
        session.close()


def test_requests_of_every_kind_run(tmp_path: Path) -> None:
    fraud = written(saved_models.fraud(), tmp_path / "1", [predict_log()] * 3)
    other = written(saved_models.examples(), tmp_path / "2", example_logs())
    found = warmed(fraud), warmed(fraud, 0), warmed(other, 2), warmed(saved_models.fraud())
    assert found == (3, 0, 3, 0)


def test_what_cannot_run_fails_the_load(tmp_path: Path) -> None:
    wrong = written(saved_models.fraud(), tmp_path / "1", [predict_log(np.ones((1, 2)))])
    many = written(saved_models.fraud(), tmp_path / "2", [predict_log()] * 1001)
    streamed = prediction_log_pb2.PredictionLog()
    streamed.predict_streamed_log.SetInParent()
    other = written(saved_models.fraud(), tmp_path / "3", [streamed])
    assert [warmed(wrong), warmed(many), warmed(other)] == [
        (3, "warm-up: Expects arg[0] to be float but double is provided"),
        (3, f"Number of warmup records exceeds the maximum (1000) at {many / FILE}"),
        (12, "warm-up: Unsupported log_type for warmup: 7"),
    ]


@pytest.mark.parametrize("end", [5, 20, -2])
def test_cut_file_is_told(tmp_path: Path, end: int) -> None:
    file = written(saved_models.fraud(), tmp_path / "1", [predict_log()]) / FILE
    with pytest.raises(LoadError) as error:
        list(records(file.read_bytes()[:end]))
    assert (error.value.code, error.value.message) == (15, "truncated record at 0")


def test_file_of_something_else_is_told() -> None:
    with pytest.raises(LoadError, match="corrupted record at 0"):
        list(records(b"no record at all"))


def test_server_warms_up_before_a_version_is_available(tmp_path: Path) -> None:
    written(saved_models.fraud(), tmp_path / "1", [predict_log()])
    with running(tmp_path / "log", *flags_for("fraud", tmp_path)) as server:
        events = server.log()
    assert 0 < events.index("version_warmed_up") < events.index("version_available")
