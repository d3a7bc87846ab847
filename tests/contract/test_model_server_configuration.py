"""Several models, version policies, labels, reload, roots and health, on a real server.

Expectations are from tensorflow/serving at 9d981c5: `model_servers/server_core.cc`,
`model_servers/model_service_impl.cc`, `model_servers/server.cc`.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from millrace.model_server import wire
from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import (
    ServerProcess,
    flags_for,
    run_to_its_end,
    running,
    wait_until,
)

DEADLINE_S = 20.0
C = grpc.StatusCode


def entry(folder: Path, name: str = "fraud", more: str = "", platform: str = "tensorflow") -> str:
    return (
        f'config {{ name: "{name}" base_path: "{folder / name}" '
        f'model_platform: "{platform}" {more} }}'
    )


def configuration(*entries: str) -> Any:
    text = f"model_config_list {{ {' '.join(entries)} }}"
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


@contextmanager
def serving(folder: Path, *entries: str, flags: tuple[str, ...] = ()) -> Iterator[ServerProcess]:
    """A server of a configuration file, which TensorFlow Serving's own class writes."""
    file = folder / "models.config"
    file.write_text(text_format.MessageToString(configuration(*entries)))
    with running(folder / "log", f"--model_config_file={file}", *flags) as server:
        yield server


def called(target: str, method: str, request: Any) -> Any:
    """The reply, or code and message."""
    with grpc.insecure_channel(target) as channel:
        stubs: list[Any] = [
            model_service_pb2_grpc.ModelServiceStub(channel),
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
        ]
        (call,) = [getattr(stub, method) for stub in stubs if hasattr(stub, method)]
        try:
            return call(request, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            failed: Any = error
            return failed.code(), failed.details()


def predicted(
    server: ServerProcess, name: str = "fraud", version: int | None = None, label: str = ""
) -> Any:
    """The version that answers, or code and message."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    if label:
        request.model_spec.version_label = label
    features = np.ones((1, saved_models.FEATURES), np.float32)
    request.inputs["features"].CopyFrom(tf.make_tensor_proto(features))
    reply = called(server.target, "Predict", request)
    return reply if isinstance(reply, tuple) else reply.model_spec.version.value


def states(server: ServerProcess, name: str = "fraud") -> dict[int, int]:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    reply = called(server.target, "GetModelStatus", request)
    return {each.version: each.state for each in reply.model_version_status}


def reloaded(server: ServerProcess, *entries: str) -> Any:
    request = model_management_pb2.ReloadConfigRequest(config=configuration(*entries))
    return called(server.target, "HandleReloadConfigRequest", request)


def publish(folder: Path, *versions: str, name: str = "fraud") -> None:
    for version in versions:
        saved_models.publish(saved_models.fraud(), folder / name, version)


@pytest.mark.parametrize(
    ("policy", "available"),
    [
        ("", {4}),
        ("latest { num_versions: 2 }", {3, 4}),
        ("all {}", {1, 3, 4}),
        ("specific { versions: 1 versions: 3 versions: 9 }", {1, 3}),
    ],
)
def test_version_policy_says_what_is_served(
    tmp_path: Path, policy: str, available: set[int]
) -> None:
    publish(tmp_path, "1", "003", "4")
    more = f"model_version_policy {{ {policy} }}"
    with serving(tmp_path, entry(tmp_path, more=more)) as server:
        found = {version: predicted(server, version=version) for version in (1, 3, 4)}
        latest = predicted(server)
    assert {version for version in found if found[version] == version} == available
    assert latest == max(available)


def test_new_version_takes_the_place_of_the_oldest_of_the_latest_two(tmp_path: Path) -> None:
    publish(tmp_path, "1", "2")
    more = "model_version_policy { latest { num_versions: 2 } }"
    with serving(tmp_path, entry(tmp_path, more=more)) as server:
        publish(tmp_path, "3")
        wait_until(lambda: states(server) == {1: 50, 2: 30, 3: 30})


def test_label_leads_to_its_version_and_moves_by_reload(tmp_path: Path) -> None:
    publish(tmp_path, "1", "2")
    every = "model_version_policy { all {} }"
    stable = 'version_labels { key: "stable" value: %d }'
    with serving(tmp_path, entry(tmp_path, more=every), flags=("--allow_reload_config",)) as server:
        answers = [predicted(server, label="stable")]
        for version in (1, 2, 9):
            reply = reloaded(server, entry(tmp_path, more=every + stable % version))
            answers += [reply[0] if isinstance(reply, tuple) else reply.status.error_code]
            answers += [predicted(server, label="stable")]
    unknown = (C.INVALID_ARGUMENT, "Unrecognized servable version label: stable")
    # The label of a version that is not there is refused, and stays where it was.
    assert answers == [unknown, 0, 1, 0, 2, C.FAILED_PRECONDITION, 2]
    assert reply == (
        C.FAILED_PRECONDITION,
        "Request to assign label to version 9 of model fraud, which is not currently available "
        "for inference",
    )


def test_labels_of_the_first_configuration_need_the_flag(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    labelled = entry(tmp_path, more='version_labels { key: "stable" value: 1 }')
    file = tmp_path / "refused.config"
    file.write_text(f"model_config_list {{ {labelled} }}")
    ended = run_to_its_end("--port=0", f"--model_config_file={file}")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "Request to assign label to version 1 of model fraud" in ended.stderr
    flags = ("--allow_version_labels_for_unavailable_models",)
    with serving(tmp_path, labelled, flags=flags) as server:
        assert predicted(server, label="stable") == 1


def test_reload_replaces_the_whole_list_and_waits_for_new_models(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    publish(tmp_path, "7", name="other")
    flags = ("--allow_reload_config", f"--model_roots={tmp_path}")
    with serving(tmp_path, entry(tmp_path), flags=flags) as server:
        reply = reloaded(server, entry(tmp_path, "other"))
        assert reply.status.error_code == 0
        assert predicted(server, "other") == 7
        assert predicted(server) == (C.NOT_FOUND, "Servable not found for request: Latest(fraud)")
        wait_until(lambda: "version_unloaded" in server.log())


def test_reload_that_cannot_load_says_why(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    broken = tmp_path / "other" / "3"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"no graph")
    flags = ("--allow_reload_config", f"--model_roots={tmp_path}")
    with serving(tmp_path, entry(tmp_path), flags=flags) as server:
        code, said = reloaded(server, entry(tmp_path), entry(tmp_path, "other"))
        assert code is C.UNKNOWN
        assert said.startswith(
            "1 model(s) did not become available: {{{name: other version: 3} due to error: "
        )
        assert predicted(server) == 1


def refused(tmp_path: Path) -> dict[str, tuple[tuple[str, ...], grpc.StatusCode, str]]:
    here = entry(tmp_path)
    return {
        "twice": ((here, here), C.INVALID_ARGUMENT, "Illegal to list model fraud multiple times"),
        "relative": (
            (here.replace(str(tmp_path), "models"),),
            C.INVALID_ARGUMENT,
            "Expected model fraud to have an absolute path or URI; got base_path()=models/fraud",
        ),
        "uri": (
            (here.replace(str(tmp_path), f"file://{tmp_path}"),),
            C.INVALID_ARGUMENT,
            "Expected model fraud to have an absolute path or URI; got base_path()=file://",
        ),
        "platform changed": (
            (entry(tmp_path, platform="other"),),
            C.INVALID_ARGUMENT,
            "Illegal to change a model's platform. For model fraud platform was tensorflow and "
            "new platform requested is other",
        ),
        "platform unknown": (
            (entry(tmp_path, "new", platform="other"),),
            C.INVALID_ARGUMENT,
            "Model new requests unsupported platform other",
        ),
        "up": (
            (here.replace("fraud/", "").replace(str(tmp_path), f"{tmp_path}/x/.."),),
            C.INVALID_ARGUMENT,
            "goes up by '..', which is not allowed",
        ),
        "outside": (
            (here.replace(str(tmp_path), "/usr"),),
            C.INVALID_ARGUMENT,
            "model fraud: the path /usr/fraud lies under none of the model roots",
        ),
        "a link outside": (
            (entry(tmp_path, "leads-out"),),
            C.INVALID_ARGUMENT,
            "leads-out lies under none of the model roots",
        ),
    }


def test_what_reload_refuses_changes_nothing(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    (tmp_path / "leads-out").symlink_to("/usr")
    flags = ("--allow_reload_config", f"--model_roots={tmp_path}")
    wrong = {}
    with serving(tmp_path, entry(tmp_path), flags=flags) as server:
        for name, (entries, code, message) in refused(tmp_path).items():
            found = reloaded(server, *entries)
            if not isinstance(found, tuple) or found[0] is not code or message not in found[1]:
                wrong[name] = found
            assert predicted(server) == 1
    assert wrong == {}


def test_reload_is_off_unless_asked_for(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    with serving(tmp_path, entry(tmp_path)) as server:
        code, said = reloaded(server, entry(tmp_path))
    assert (code, "--allow_reload_config" in said) == (C.PERMISSION_DENIED, True)


def test_version_that_leads_outside_is_not_loaded(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    outside = tmp_path / "outside"
    publish(outside, "2")
    (tmp_path / "fraud" / "2").symlink_to(outside / "fraud" / "2")
    with running(tmp_path / "log", *flags_for("fraud", tmp_path / "fraud")) as server:
        assert (predicted(server), states(server)) == (1, {1: 30, 2: 50})
        assert "lies under none of the model roots" in server.log()


def test_configuration_file_is_followed_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    publish(tmp_path, "1", "2")
    publish(tmp_path, "7", name="other")
    flags = ("--model_config_file_poll_wait_seconds=0.05",)
    with serving(tmp_path, entry(tmp_path), flags=flags) as server:
        file = tmp_path / "models.config"
        file.write_text("model_config_list { config { nonsense } }")
        wait_until(lambda: "config_file_refused" in server.log())
        assert predicted(server) == 2
        more = "model_version_policy { specific { versions: 1 } }"
        entries = f"{entry(tmp_path, more=more)} {entry(tmp_path, 'other')}"
        file.write_text(f"model_config_list {{ {entries} }}")
        wait_until(lambda: (predicted(server), predicted(server, "other")) == (1, 7))
        # A model without a version holds up neither what comes next nor the end.
        (tmp_path / "empty").mkdir()
        file.write_text(f"model_config_list {{ {entries} {entry(tmp_path, 'empty')} }}")
        wait_until(lambda: '"models": 3' in server.log())
        file.write_text(f"model_config_list {{ {entry(tmp_path)} {entry(tmp_path, 'empty')} }}")
        wait_until(lambda: predicted(server) == 2)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE_S) == 0


def health(target: str, service: str) -> Any:
    with grpc.insecure_channel(target) as channel:
        raw: Any = channel.unary_unary
        request = wire.HealthCheckRequest(service=service).SerializeToString()
        try:
            reply = raw("/grpc.health.v1.Health/Check")(request, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            failed: Any = error
            return failed.code()
        return wire.HealthCheckResponse.FromString(reply).status


def test_health_is_answered_behind_its_flag(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    socket = tmp_path / "socket"
    flags = ("--enable_grpc_healthcheck_service", f"--grpc_socket_path={socket}")
    with serving(tmp_path, entry(tmp_path), flags=flags) as server:
        services = ["", "PredictionService", "ModelService", "Other"]
        found = [health(server.target, service) for service in services]
        by_socket = health(f"unix:{socket}", "")
    assert (found, by_socket) == ([1, 1, 1, C.NOT_FOUND], 1)
    with serving(tmp_path, entry(tmp_path)) as server:
        assert health(server.target, "") is C.UNIMPLEMENTED


def test_larger_request_than_allowed_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    with serving(tmp_path, entry(tmp_path), flags=("--grpc_max_message_bytes=10",)) as server:
        code, _ = predicted(server)
    assert code is C.RESOURCE_EXHAUSTED
