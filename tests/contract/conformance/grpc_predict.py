"""Cases of Predict."""

from typing import Final

import numpy as np
from grpc import StatusCode

from tests.contract.conformance.case import SERVABLES, SERVERS, Case, grpc_answers, grpc_fails
from tests.contract.conformance.messages import floats, predict, predicted, spec

_UTIL: Final = f"{SERVABLES}/predict_util.cc"
_IMPL: Final = f"{SERVABLES}/predict_impl.cc"
_CORE: Final = f"{SERVERS}/server_core.cc"
_MANAGER: Final = "core/basic_manager.cc"
_STATUS: Final = f"{SERVERS}/grpc_status_util.cc"
_INVALID = StatusCode.INVALID_ARGUMENT
_X = {"x": floats([[1, 2]])}
_AB = {"a": floats([1]), "b": floats([2])}
_LONG: Final = "s" * 2000
_SIZE: Final = "input size does not match signature: "

_BROKEN = predict(spec(), {"x": floats([[1, 2], [3, 4]])})
_BROKEN.inputs["x"].tensor_content = b"\0" * 7
_NEGATIVE = predict(spec(), _X)
_NEGATIVE.inputs["x"].tensor_shape.dim[0].size = -1

FAILING: Final = [
    grpc_fails(name, source, "Predict", message, code=code, text=text)
    for name, source, message, code, text in (
        ("no spec", _IMPL, predict(None, _X), _INVALID, "Missing ModelSpec"),
        ("no name", _CORE, predict(spec(""), _X), _INVALID, "ModelSpec has no name specified."),
        (
            "unknown model",
            _MANAGER,
            predict(spec("m"), _X),
            StatusCode.NOT_FOUND,
            "Servable not found for request: Latest(m)",
        ),
        (
            "unknown version",
            _MANAGER,
            predict(spec(version=7), _X),
            StatusCode.NOT_FOUND,
            "Servable not found for request: Specific(tensors, 7)",
        ),
        (
            "unknown label",
            _CORE,
            predict(spec("scale", version_label="x"), _X),
            _INVALID,
            "Unrecognized servable version label: x",
        ),
        (
            "unknown signature",
            _UTIL,
            predict(spec(signature="s"), _X),
            StatusCode.FAILED_PRECONDITION,
            'Serving signature key "s" not found.',
        ),
        (
            "message of more than 1,024 characters",
            _STATUS,
            predict(spec(signature=_LONG), _X),
            StatusCode.FAILED_PRECONDITION,
            f'Serving signature key "{_LONG}" not found.'[:1024] + "...TRUNCATED",
        ),
        (
            "missing input",
            _UTIL,
            predict(spec(), {}),
            _INVALID,
            f"{_SIZE}0!=1 len({{}}) != len({{x}}). Sent extra: {{}}. Missing but required: {{x}}.",
        ),
        (
            "extra input",
            _UTIL,
            predict(spec(), {**_X, "z": floats([1])}),
            _INVALID,
            f"{_SIZE}2!=1 len({{x,z}}) != len({{x}}). "
            "Sent extra: {z}. Missing but required: {}.",
        ),
        (
            "wrong dtype",
            "servables/tensorflow/predict_util.cc (session->Run)",
            predict(spec(), {"x": np.ones((1, 2))}),
            _INVALID,
            "Expects arg[0] to be float but double is provided",
        ),
        (
            "wrong inner dimension",
            "servables/tensorflow/predict_util.cc (session->Run)",
            predict(spec(), {"x": floats([[1, 2, 3]])}),
            _INVALID,
            "Matrix size-incompatible: In[0]: [1,3], In[1]: [2,1]\n\t [[{{node product}}]]",
        ),
        ("undecodable tensor", _UTIL, _BROKEN, _INVALID, "tensor parsing error: x"),
        ("negative dimension", _UTIL, _NEGATIVE, _INVALID, "tensor parsing error: x"),
        (
            "unknown output",
            _UTIL,
            predict(spec(signature="two"), _AB, "sum", "z"),
            _INVALID,
            "output tensor alias not found in signature: z Outputs expected to be in the set "
            "{difference,sum}.",
        ),
        (
            "output twice",
            _UTIL,
            predict(spec(signature="two"), _AB, "sum", "sum"),
            _INVALID,
            "duplicate output tensor alias: sum",
        ),
    )
]

ECHOED: Final = {
    "float32": np.array([1.5, -2.0], np.float32),
    "float64": np.array([1.5, -2.0]),
    "int32": np.array([[1], [-2]], np.int32),
    "int64": np.array([2**40], np.int64),
    "uint8": np.array([255, 0], np.uint8),
    "bool": np.array([True, False]),
    "string": np.array([b"a", b"\xff\0"], object),
}

ANSWERING: Final = [
    grpc_answers(name, source, "Predict", message, shown=predicted, expected=expected)
    for name, source, message, expected in (
        (
            "reply names version and signature",
            _UTIL,
            predict(spec(), _X),
            ("tensors", 1, "serving_default", {"y": [[3.0]]}),
        ),
        (
            "newest version by default",
            _CORE,
            predict(spec("scale"), {"x": floats([3])}),
            ("scale", 2, "serving_default", {"y": [6.0]}),
        ),
        (
            "certain version",
            _CORE,
            predict(spec("scale", version=1), {"x": floats([3])}),
            ("scale", 1, "serving_default", {"y": [1.5]}),
        ),
        (
            "version by label",
            _CORE,
            predict(spec("scale", version_label="stable"), {"x": floats([3])}),
            ("scale", 1, "serving_default", {"y": [1.5]}),
        ),
        (
            "output filter",
            _UTIL,
            predict(spec(signature="two"), _AB, "difference"),
            ("tensors", 1, "two", {"difference": [-1.0]}),
        ),
        (
            "default of an input",
            _UTIL,
            predict(spec(signature="two"), {"a": floats([1])}),
            ("tensors", 1, "two", {"sum": [11.0], "difference": [-9.0]}),
        ),
        (
            "method name is not checked",
            f"{SERVABLES}/util.cc",
            predict(spec(signature="odd_method"), _X),
            ("tensors", 1, "odd_method", {"y": [[3.0]]}),
        ),
        (
            "no rows",
            _UTIL,
            predict(spec(), {"x": np.zeros((0, 2), np.float32)}),
            ("tensors", 1, "serving_default", {"y": []}),
        ),
    )
] + [
    grpc_answers(
        f"{dtype} there and back",
        _UTIL,
        "Predict",
        predict(spec(signature=dtype), {"x": array}),
        shown=predicted,
        expected=("tensors", 1, dtype, {"y": array.tolist()}),
    )
    for dtype, array in ECHOED.items()
]

CASES: Final[list[Case]] = FAILING + ANSWERING
