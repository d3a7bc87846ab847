"""Cases of Classify, Regress and MultiInference."""

from typing import Any, Final

from grpc import StatusCode

from tests.contract.conformance.case import SERVABLES, Case, grpc_answers, grpc_fails
from tests.contract.conformance.messages import (
    classes,
    classify,
    example,
    examples,
    multi_inference,
    named,
    regress,
    spec,
    values,
)
from tests.contract.conformance.models import CLASSIFY, REGRESS

_CLASSIFIER: Final = f"{SERVABLES}/classifier.cc"
_REGRESSOR: Final = f"{SERVABLES}/regressor.cc"
_MULTI: Final = f"{SERVABLES}/multi_inference.cc"
_UTIL: Final = f"{SERVABLES}/util.cc"
_INVALID = StatusCode.INVALID_ARGUMENT
_TWO = examples(example(x=0.5), example(x=0.125))
_SCORES: Final = [[("yes", 0.5), ("no", 0.5)], [("yes", 0.125), ("no", 0.875)]]


def _model(signature: str = "") -> Any:
    return spec("examples", signature)


def _classified(reply: Any) -> object:
    return (*named(reply.model_spec), classes(reply.result))


def _regressed(reply: Any) -> object:
    return (*named(reply.model_spec), values(reply.result))


def _inferred(reply: Any) -> object:
    return [
        (
            *named(one.model_spec),
            classes(one.classification_result),
            values(one.regression_result),
        )
        for one in reply.results
    ]


FAILING: Final = [
    grpc_fails(name, source, method, message, code=code, text=text)
    for name, source, method, message, code, text in (
        (
            "no examples",
            _UTIL,
            "Classify",
            classify(_model()),
            _INVALID,
            "Input is empty.",
        ),
        (
            "unknown signature",
            _CLASSIFIER,
            "Classify",
            classify(_model("s"), _TWO),
            _INVALID,
            "No signature was found with the name: s",
        ),
        (
            "signature of two inputs",
            _CLASSIFIER,
            "Classify",
            classify(spec(signature="two"), _TWO),
            _INVALID,
            "Expected one input Tensor.",
        ),
        (
            "unknown model",
            "core/basic_manager.cc",
            "Classify",
            classify(spec("m"), _TWO),
            StatusCode.NOT_FOUND,
            "Servable not found for request: Latest(m)",
        ),
        (
            "unknown signature",
            _REGRESSOR,
            "Regress",
            regress(_model("s"), _TWO),
            _INVALID,
            "No signature was found with the name: s",
        ),
        (
            "signature of two outputs",
            _REGRESSOR,
            "Regress",
            regress(_model(), _TWO),
            _INVALID,
            "Expected one output Tensor.",
        ),
        (
            "output of two columns",
            _REGRESSOR,
            "Regress",
            regress(_model("wide"), _TWO),
            _INVALID,
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            "[2,2]",
        ),
        (
            "signature twice",
            _MULTI,
            "MultiInference",
            multi_inference([(_model(), CLASSIFY), (_model(), CLASSIFY)], _TWO),
            _INVALID,
            "Duplicate evaluation of signature: serving_default",
        ),
        (
            "unknown signature",
            _MULTI,
            "MultiInference",
            multi_inference([(_model("s"), CLASSIFY)], _TWO),
            _INVALID,
            "Requested signature not found in model graph: s",
        ),
        (
            "two models",
            _MULTI,
            "MultiInference",
            multi_inference([(_model(), CLASSIFY), (spec("scale"), REGRESS)], _TWO),
            _INVALID,
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            "unknown method",
            _MULTI,
            "MultiInference",
            multi_inference([(_model(), "m")], _TWO),
            StatusCode.UNIMPLEMENTED,
            "Unsupported signature method_name: m",
        ),
    )
]

ANSWERING: Final = [
    grpc_answers(name, source, method, message, shown=shown, expected=expected)
    for name, source, method, message, shown, expected in (
        (
            "labels and scores",
            _CLASSIFIER,
            "Classify",
            classify(_model(), _TWO),
            _classified,
            ("examples", 1, "serving_default", _SCORES),
        ),
        (
            "scores alone",
            _CLASSIFIER,
            "Classify",
            classify(_model("scores"), examples(example(x=0.5))),
            _classified,
            ("examples", 1, "scores", [[("", 0.5), ("", 0.5)]]),
        ),
        (
            "labels alone",
            _CLASSIFIER,
            "Classify",
            classify(_model("classes"), examples(example(x=0.5))),
            _classified,
            ("examples", 1, "classes", [[("yes", 0.0), ("no", 0.0)]]),
        ),
        (
            "context is part of each example",
            _UTIL,
            "Classify",
            classify(_model(), examples(example(z=1), example(), context=example(x=0.5))),
            _classified,
            ("examples", 1, "serving_default", [_SCORES[0], _SCORES[0]]),
        ),
        (
            "a value an example",
            _REGRESSOR,
            "Regress",
            regress(_model("regress"), _TWO),
            _regressed,
            ("examples", 1, "regress", [1.0, 0.25]),
        ),
        (
            "two signatures in one call, named as sent",
            _MULTI,
            "MultiInference",
            multi_inference([(_model("regress"), REGRESS), (_model("scores"), CLASSIFY)], _TWO),
            _inferred,
            [
                ("examples", 1, "regress", [], [1.0, 0.25]),
                ("examples", 1, "scores", [[("", s) for _, s in row] for row in _SCORES], []),
            ],
        ),
        (
            "signature left out is named in the reply",
            f"{SERVABLES}/util.cc (MakeModelSpec)",
            "MultiInference",
            multi_inference([(_model(), CLASSIFY)], _TWO),
            _inferred,
            [("examples", 1, "serving_default", _SCORES, [])],
        ),
    )
]

CASES: Final[list[Case]] = FAILING + ANSWERING
