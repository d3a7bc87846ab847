"""Cases of GetModelMetadata, GetModelStatus and HandleReloadConfigRequest."""

from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf import text_format
from tensorflow_serving.apis import get_model_metadata_pb2, model_management_pb2
from tensorflow_serving.config import model_server_config_pb2

from tests.contract.conformance import models
from tests.contract.conformance.case import SERVABLES, SERVERS, Case, grpc_answers, grpc_fails
from tests.contract.conformance.messages import (
    floats,
    metadata,
    named,
    predict,
    predicted,
    spec,
    status,
)
from tests.contract.conformance.target import MODEL, PREDICTION, Target
from tests.contract.conformance.waiting import until

_METADATA: Final = f"{SERVABLES}/get_model_metadata_impl.cc"
_STATUS: Final = f"{SERVERS}/get_model_status_impl.cc"
_CORE: Final = f"{SERVERS}/server_core.cc"
_SERVICE: Final = f"{SERVERS}/model_service_impl.cc"
_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_FIELD: Final = "signature_def"
_AVAILABLE: Final = ("AVAILABLE", 0, "")


def _signatures(reply: Any) -> object:
    packed = get_model_metadata_pb2.SignatureDefMap()
    assert reply.metadata[_FIELD].Unpack(packed)
    signature = packed.signature_def["serving_default"]
    tensors = [*signature.inputs.items(), *signature.outputs.items()]
    infos = [
        (name, info.name, info.dtype, [dim.size for dim in info.tensor_shape.dim])
        for name, info in tensors
    ]
    return (*named(reply.model_spec), sorted(packed.signature_def), signature.method_name, infos)


METADATA: Final = [
    grpc_answers(
        "signatures, and a spec without a signature's name",
        _METADATA,
        "GetModelMetadata",
        metadata(spec("scale"), _FIELD),
        shown=_signatures,
        expected=(
            *("scale", 2, "", ["serving_default"], models.PREDICT),
            [("x", "x:0", 1, [-1]), ("y", "y:0", 1, [-1])],
        ),
    ),
    *[
        grpc_fails(name, _METADATA, "GetModelMetadata", message, code=code, text=text)
        for name, message, code, text in (
            ("no spec", metadata(None, _FIELD), _INVALID, "Missing ModelSpec"),
            (
                "no field",
                metadata(spec()),
                _INVALID,
                "GetModelMetadataRequest must specify at least one metadata_field",
            ),
            (
                "unknown field",
                metadata(spec(), "f"),
                _INVALID,
                "Metadata field f is not supported",
            ),
            (
                "unknown model",
                metadata(spec("m"), _FIELD),
                grpc.StatusCode.NOT_FOUND,
                "Servable not found for request: Latest(m)",
            ),
        )
    ],
]


def _states(target: Target, name: str, version: int | None = None) -> object:
    reply = target.call(MODEL, "GetModelStatus", status(spec(name, version=version)))
    return {
        one.version: (
            one.State.Name(one.state),
            one.status.error_code,
            one.status.error_message,
        )
        for one in reply.model_version_status
    }


def _status_case(name: str, message: Any, code: str, text: str) -> Case:
    def ask(target: Target) -> object:
        return target.status(MODEL, "GetModelStatus", message)

    return Case(f"gRPC GetModelStatus: {name}", _STATUS, ask, (code, text))


STATUS: Final = [
    Case(
        "gRPC GetModelStatus: all versions",
        _STATUS,
        lambda target: _states(target, "scale"),
        {2: _AVAILABLE, 1: _AVAILABLE},
    ),
    Case(
        "gRPC GetModelStatus: one version",
        _STATUS,
        lambda target: _states(target, "scale", 1),
        {1: _AVAILABLE},
    ),
    _status_case("label is ignored", status(spec("scale", version_label="x")), "OK", ""),
    _status_case("no spec", status(), "INVALID_ARGUMENT", "Missing ModelSpec"),
    _status_case(
        "unknown model", status(spec("m")), "NOT_FOUND", "Could not find any versions of model m"
    ),
    _status_case(
        "unknown version",
        status(spec("scale", version=7)),
        "NOT_FOUND",
        "Could not find version 7 of model scale",
    ),
]


def _config(folder: Path) -> Any:
    text = models.config_text(folder)
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def _reload(target: Target, config: Any) -> tuple[str, str]:
    request = model_management_pb2.ReloadConfigRequest(config=config)
    return target.status(MODEL, "HandleReloadConfigRequest", request)


def _reload_nothing(target: Target) -> object:
    return _reload(target, model_server_config_pb2.ModelServerConfig())


def _reload_relative(target: Target) -> object:
    config = _config(target.served_models)
    config.model_config_list.config[0].base_path = "scale"
    return _reload(target, config)


def _reload_twice(target: Target) -> object:
    config = _config(target.served_models)
    config.model_config_list.config.add().CopyFrom(config.model_config_list.config[0])
    return _reload(target, config)


def _reload_label(target: Target) -> object:
    # The label is in use, so the flag for labels of unavailable models does not free it.
    config = _config(target.served_models)
    config.model_config_list.config[0].version_labels["stable"] = 9
    return _reload(target, config)


def _reload_moved_label(target: Target) -> object:
    config = _config(target.served_models)
    config.model_config_list.config[0].version_labels["stable"] = 2
    moved = _reload(target, config)
    request = predict(spec("scale", version_label="stable"), {"x": floats([3])})
    answer = predicted(target.call(PREDICTION, "Predict", request))
    return moved, answer, _reload(target, _config(target.served_models))


def _reload_less(target: Target) -> object:
    config = _config(target.served_models)
    del config.model_config_list.config[-1]
    reloaded = _reload(target, config)
    request = predict(spec("growing"), {"x": floats([3])})
    gone = ("NOT_FOUND", "Servable not found for request: Latest(growing)")
    until(lambda: target.status(PREDICTION, "Predict", request) == gone)
    again = _reload(target, _config(target.served_models))
    return reloaded, again, target.status(PREDICTION, "Predict", request)


def _new_version(target: Target) -> object:
    models.publish(target.models, 2, 3.0)
    until(lambda: _state_of(target, 1) == "END" and _state_of(target, 2) == "AVAILABLE")
    request = predict(spec("growing"), {"x": floats([2])})
    return predicted(target.call(PREDICTION, "Predict", request)), _states(target, "growing")


def _state_of(target: Target, version: int) -> str:
    states: Any = _states(target, "growing")
    return str(states.get(version, ("",))[0])


RELOAD: Final = [
    Case(f"gRPC HandleReloadConfigRequest: {name}", source, ask, expected)
    for name, source, ask, expected in (
        (
            "no list of models",
            _SERVICE,
            _reload_nothing,
            (
                "INVALID_ARGUMENT",
                "ServerModelConfig type not supported by HandleReloadConfigRequest."
                " Only ModelConfigList is currently supported",
            ),
        ),
        (
            "relative path",
            _CORE,
            _reload_relative,
            (
                "INVALID_ARGUMENT",
                "Expected model scale to have an absolute path or URI; got base_path()=scale",
            ),
        ),
        (
            "model twice",
            _CORE,
            _reload_twice,
            ("INVALID_ARGUMENT", "Illegal to list model scale multiple times in config list"),
        ),
        (
            "label to a version that is not available",
            _CORE,
            _reload_label,
            (
                "FAILED_PRECONDITION",
                "Request to assign label to version 9 of model scale, "
                "which is not currently available for inference",
            ),
        ),
        (
            "label moves, and back",
            _CORE,
            _reload_moved_label,
            (("OK", ""), ("scale", 2, "serving_default", {"y": [6.0]}), ("OK", "")),
        ),
        (
            "model goes, and comes back before the call returns",
            _CORE,
            _reload_less,
            (("OK", ""), ("OK", ""), ("OK", "")),
        ),
    )
]

VERSIONS: Final = [
    Case(
        "versions: a published one takes over, the old one ends",
        "core/availability_preserving_policy.cc",
        _new_version,
        (
            ("growing", 2, "serving_default", {"y": [6.0]}),
            {2: _AVAILABLE, 1: ("END", 0, "")},
        ),
    ),
]

CASES: Final[list[Case]] = METADATA + STATUS + RELOAD + VERSIONS
