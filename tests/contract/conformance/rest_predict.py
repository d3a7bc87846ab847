"""Cases of `:predict` over REST that are answered."""

from typing import Final

from tests.contract.conformance.bodies import body, columns, rows
from tests.contract.conformance.case import HANDLER, JSON_TENSOR, Case, rest

_TENSORS: Final = "/v1/models/tensors:predict"


PREDICT: Final = [
    rest(f"predict: {name}", JSON_TENSOR, _TENSORS, sent, status=200, expected=expected)
    for name, sent, expected in (
        ("rows", rows("", [1, 2], [3, 4]), {"predictions": [["3.0"], ["7.0"]]}),
        ("column", columns("", [[1, 2], [3, 4]]), {"outputs": [["3.0"], ["7.0"]]}),
        ("named rows", rows("", {"x": [1, 2]}), {"predictions": [["3.0"]]}),
        ("named column", columns("", {"x": [[1, 2]]}), {"outputs": [["3.0"]]}),
        (
            "rows of several tensors",
            rows("two", {"a": 3, "b": 1}, {"a": 0.5, "b": 0.25}),
            {
                "predictions": [
                    {"sum": "4.0", "difference": "2.0"},
                    {"sum": "0.75", "difference": "0.25"},
                ]
            },
        ),
        (
            "columns of several tensors",
            columns("two", {"a": [3], "b": [1]}),
            {"outputs": {"sum": ["4.0"], "difference": ["2.0"]}},
        ),
        ("scalar output as a column", columns("total", [[1, 2]]), {"outputs": "3.0"}),
        (
            "six digits where they are enough, else nine",
            rows("float32", 0.2, 9000000, 0.00003, 555557.5, 1 / 3, 16777216, -0.0),
            {
                "predictions": [
                    *("0.2", "9e+06", "3e-05", "555557.5", "0.333333343", "16777216.0", "-0.0")
                ]
            },
        ),
        (
            "doubles",
            rows("float64", 1 / 3, 1e300),
            {"predictions": ["0.33333333333333331", "1e+300"]},
        ),
        (
            "NaN and infinities there and back",
            b'{"signature_name": "float32", "instances": [NaN, Infinity, -Infinity, -Inf]}',
            {"predictions": ["NaN", "Infinity", "-Infinity", "-Infinity"]},
        ),
        (
            "a number too large for a float",
            rows("float32", 1e39),
            {"predictions": ["Infinity"]},
        ),
        ("int32", rows("int32", [1, -2]), {"predictions": [[1, -2]]}),
        ("int64", rows("int64", 2**62), {"predictions": [2**62]}),
        ("uint8", rows("uint8", 255), {"predictions": [255]}),
        ("bool", rows("bool", True, False), {"predictions": [True, False]}),
        ("strings", rows("string", "a", "ü"), {"predictions": ["a", "ü"]}),
        (
            "base64 in a row",
            rows("string", {"b64": "YWI="}, "c"),
            {"predictions": ["ab", "c"]},
        ),
        ("base64 in a column", columns("string", {"b64": "YWI="}), {"outputs": "ab"}),
        (
            "an output named for bytes comes as base64",
            rows("bytes", "ab"),
            {"predictions": [{"b64": "YWI="}]},
        ),
        (
            "what follows the object is ignored",
            rows("", [1, 2]) + b" x",
            {"predictions": [["3.0"]]},
        ),
        ("other keys are ignored", body("", instances=[[1, 2]], z=0), {"predictions": [["3.0"]]}),
    )
]


def _of_version(name: str, path: str, expected: str) -> Case:
    answer = {"predictions": [expected]}
    return rest(f"predict: {name}", HANDLER, path, rows("", 3), status=200, expected=answer)


VERSIONS: Final = [
    _of_version(name, path, expected)
    for name, path, expected in (
        ("newest version", "/v1/models/scale:predict", "6.0"),
        ("certain version", "/v1/models/scale/versions/1:predict", "1.5"),
        ("version by label", "/v1/models/scale/labels/stable:predict", "1.5"),
    )
]

CASES: Final[list[Case]] = PREDICT + VERSIONS
