"""Cases of status, metadata and metrics over REST, and of paths."""

from typing import Any, Final

from tests.contract.conformance.case import HANDLER, SERVERS, Case, rest
from tests.contract.conformance.target import Target

_UTIL: Final = f"{SERVERS}/http_rest_api_util.cc"
_SERVER: Final = f"{SERVERS}/http_server.cc"
_EXPORTER: Final = "util/prometheus_exporter.cc"
_HEALTHY: Final = {"error_code": "OK", "error_message": ""}


def _state(version: int) -> dict[str, object]:
    return {"version": str(version), "state": "AVAILABLE", "status": _HEALTHY}


def _tensor(name: str) -> dict[str, object]:
    shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    return {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": f"{name}:0"}


_SIGNATURE: Final = {
    "inputs": {"x": _tensor("x")},
    "outputs": {"y": _tensor("y")},
    "method_name": "tensorflow/serving/predict",
    "defaults": {},
}


def _metadata(version: int) -> dict[str, object]:
    return {
        "model_spec": {"name": "scale", "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": {"serving_default": _SIGNATURE}}},
    }


def _malformed(path: str, method: str = "GET") -> dict[str, str]:
    return {"error": f"Malformed request: {method} {path}"}


ANSWERING: Final = [
    rest(name, source, path, None, status=200, expected=expected)
    for name, source, path, expected in (
        (
            "status: all versions, newest first",
            HANDLER,
            "/v1/models/scale",
            {"model_version_status": [_state(2), _state(1)]},
        ),
        (
            "status: one version",
            HANDLER,
            "/v1/models/scale/versions/1",
            {"model_version_status": [_state(1)]},
        ),
        (
            "status: label is ignored",
            HANDLER,
            "/v1/models/scale/labels/stable",
            {"model_version_status": [_state(2), _state(1)]},
        ),
        (
            "status: path in capitals",
            _UTIL,
            "/V1/Models/scale/Versions/1",
            {"model_version_status": [_state(1)]},
        ),
        (
            "status: name in percent signs",
            _UTIL,
            "/v1/models/s%63ale/versions/1",
            {"model_version_status": [_state(1)]},
        ),
        ("metadata: newest version", _UTIL, "/v1/models/scale/metadata", _metadata(2)),
        ("metadata: certain version", _UTIL, "/v1/models/scale/versions/1/metadata", _metadata(1)),
        ("metadata: by label", _UTIL, "/v1/models/scale/labels/stable/metadata", _metadata(1)),
    )
]

_HUGE: Final = "9" * 20
FAILING: Final = [
    rest(name, source, path, body, status=status, expected=expected)
    for name, source, path, body, status, expected in (
        (
            "status: unknown model",
            f"{SERVERS}/get_model_status_impl.cc",
            "/v1/models/m",
            None,
            404,
            {"error": "Could not find any versions of model m"},
        ),
        (
            "status: unknown version",
            f"{SERVERS}/get_model_status_impl.cc",
            "/v1/models/scale/versions/7",
            None,
            404,
            {"error": "Could not find version 7 of model scale"},
        ),
        (
            "status: no model",
            HANDLER,
            "/v1/models",
            None,
            400,
            {"error": "Missing model name in request."},
        ),
        (
            "metadata: unknown model",
            "core/basic_manager.cc",
            "/v1/models/m/metadata",
            None,
            404,
            {"error": "Servable not found for request: Latest(m)"},
        ),
        (
            "path: version that is no number",
            _UTIL,
            "/v1/models/scale/versions/x",
            None,
            400,
            _malformed("/v1/models/scale/versions/x"),
        ),
        (
            "path: version of more than 64 bits",
            _UTIL,
            f"/v1/models/scale/versions/{_HUGE}",
            None,
            400,
            {"error": f"Failed to convert version: {_HUGE} to numeric."},
        ),
        (
            "path: POST without a verb",
            HANDLER,
            "/v1/models/scale",
            b"{}",
            400,
            _malformed("/v1/models/scale", "POST"),
        ),
        (
            "path: unknown verb",
            HANDLER,
            "/v1/models/scale:m",
            b"{}",
            400,
            _malformed("/v1/models/scale:m", "POST"),
        ),
        (
            "path: GET of a verb",
            HANDLER,
            "/v1/models/scale:predict",
            None,
            400,
            _malformed("/v1/models/scale:predict"),
        ),
        (
            "path: verb in capitals",
            HANDLER,
            "/v1/models/scale:PREDICT",
            b"{}",
            400,
            _malformed("/v1/models/scale:PREDICT", "POST"),
        ),
    )
]


def _outside(target: Target) -> object:
    return target.http("/v2/models")[0]


_COUNTER: Final = (
    ':tensorflow:serving:request_count{model_name="scale",status="OK"}',
    ':tensorflow:serving:request_count{model_name="scale",status="NOT_FOUND"}',
)
_LATENCY: Final = (
    ':tensorflow:serving:request_latency_%s{model_name="scale",API="predict",entrypoint="REST"%s}'
)
_RUNTIME: Final = (
    ':tensorflow:serving:runtime_latency_count{model_name="scale",API="Predict",runtime="TF1"}'
)


def _metrics(target: Target) -> dict[str, float]:
    status, text = target.http("/monitoring/prometheus/metrics")
    assert status == 200
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def _counted(target: Target) -> object:
    before = _metrics(target)
    target.json("/v1/models/scale:predict", b'{"instances": [1.0]}')
    target.json("/v1/models/scale/versions/9:predict", b'{"instances": [1.0]}')
    after = _metrics(target)
    count, most = _LATENCY % ("count", ""), _LATENCY % ("bucket", ',le="+Inf"')
    names = (*_COUNTER, count, most, _RUNTIME)
    return [after.get(name, 0) - before.get(name, 0) for name in names]


def _buckets(target: Target) -> object:
    target.json("/v1/models/scale:predict", b'{"instances": [1.0]}')
    start = _LATENCY.partition("}")[0] % ("bucket", "")
    listed: list[Any] = [name for name in _metrics(target) if name.startswith(start)]
    limits = [name.split('le="')[1].rstrip('"}') for name in listed]
    return len(limits), limits[:4], limits[-1]


def _types(target: Target) -> object:
    target.json("/v1/models/scale:predict", b'{"instances": [1.0]}')
    lines = target.http("/monitoring/prometheus/metrics")[1].decode().splitlines()
    kinds = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE ")}
    names = ("request_count", "request_latency", "runtime_latency")
    return [kinds.get(f":tensorflow:serving:{name}") for name in names]


METRICS: Final = [
    Case("REST path: outside of the API", _SERVER, _outside, 404),
    Case("metrics: requests, latencies and runs are counted", _SERVER, _counted, [1, 1, 1, 1, 1]),
    Case(
        "metrics: buckets from 10 by 1.8",
        "servables/tensorflow/util.cc",
        _buckets,
        (34, ["10", "18", "32.4", "58.32"], "+Inf"),
    ),
    Case("metrics: types", _EXPORTER, _types, ["counter", "histogram", "histogram"]),
]

CASES: Final[list[Case]] = ANSWERING + FAILING + METRICS
