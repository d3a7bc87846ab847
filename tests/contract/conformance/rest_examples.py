"""Cases of `:classify` and `:regress` over REST."""

from typing import Final

from tests.contract.conformance.bodies import body
from tests.contract.conformance.case import JSON_TENSOR, Case, rest

_EXAMPLES: Final = "/v1/models/examples"


def _examples(*listed: object, **members: object) -> bytes:
    return body(**members, examples=listed)  # type: ignore[arg-type]


_BOTH: Final = [["yes", "0.5"], ["no", "0.5"]]
CASES: Final[list[Case]] = [
    rest(name, JSON_TENSOR, _EXAMPLES + path, sent, status=status, expected=expected)
    for name, path, sent, status, expected in (
        (
            "classify: labels and scores",
            ":classify",
            _examples({"x": 0.5}, {"x": [0.5]}),
            200,
            {"results": [_BOTH, _BOTH]},
        ),
        (
            "classify: context",
            ":classify",
            _examples({}, context={"x": 0.5}),
            200,
            {"results": [_BOTH]},
        ),
        (
            "classify: scores alone",
            "/versions/1:classify",
            _examples({"x": 0.25}, signature_name="scores"),
            200,
            {"results": [[["", "0.25"], ["", "0.75"]]]},
        ),
        (
            "regress: a value an example",
            ":regress",
            _examples({"x": 0.5}, {"x": 0.25}, signature_name="regress"),
            200,
            {"results": ["1.0", "0.5"]},
        ),
        (
            "predict: serialised examples as base64",
            ":predict",
            b'{"signature_name": "predict", "instances": [{"b64": ""}]}',
            200,
            {"predictions": [["0.5"]]},
        ),
        (
            "classify: no examples",
            ":classify",
            b"{}",
            400,
            {
                "error": "JSON Value: {} When method is classify, key 'examples' is expected and "
                "was not found"
            },
        ),
        (
            "classify: empty list",
            ":classify",
            _examples(),
            400,
            {"error": "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array"},
        ),
        (
            "classify: example that is no object",
            ":classify",
            _examples(1),
            400,
            {"error": "Example must be JSON object but got JSON Number"},
        ),
        (
            "classify: null",
            ":classify",
            _examples({"x": None}),
            400,
            {"error": "Feature: x has element with unexpected JSON type: Null"},
        ),
        (
            "classify: two types in one feature",
            ":classify",
            _examples({"x": [0.5, "a"]}),
            400,
            {"error": "Unexpected element type in feature: x expecting type: float"},
        ),
        (
            "regress: unknown signature",
            ":regress",
            _examples({"x": 0.5}, signature_name="s"),
            400,
            {"error": "No signature was found with the name: s"},
        ),
        (
            "regress: signature of two outputs",
            ":regress",
            _examples({"x": 0.5}),
            400,
            {"error": "Expected one output Tensor."},
        ),
    )
]
