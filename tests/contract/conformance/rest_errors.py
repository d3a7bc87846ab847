"""Cases of `:predict` over REST that end with an error."""

from typing import Final

from tests.contract.conformance.bodies import columns, rows
from tests.contract.conformance.case import HANDLER, JSON_TENSOR, Case, rest, rest_errors

_TENSORS: Final = "/v1/models/tensors:predict"


def _fails(name: str, source: str, path: str, body: bytes, *, status: int, text: str) -> Case:
    return rest(name, source, path, body, status=status, expected={"error": text})


_PARSE: Final = "JSON Parse error: "
_FAILED: Final = "Failed to process element: "
_LIST: Final = " of 'instances' list. Error: INVALID_ARGUMENT: "

CASES: Final[list[Case]] = rest_errors(
    _TENSORS,
    JSON_TENSOR,
    [
        (f"predict: {name}", body, text)
        for name, body, text in (
            ("no body", b"", f"{_PARSE}The document is empty"),
            (
                "no JSON",
                b"[1, 2",
                f"{_PARSE}Missing a comma or ] after an array element. at offset: 5",
            ),
            ("word that is no JSON", b"x", f"{_PARSE}Invalid value. at offset: 0"),
            ("array", b"[1]", "JSON Value: [1] Is not object"),
            ("neither rows nor columns", b"{}", "Missing 'inputs' or 'instances' key"),
            (
                "rows and columns",
                b'{"instances": [1], "inputs": 1}',
                'JSON Value: {\n    "instances": [1],\n    "inputs": 1\n} Not formatted correctly '
                "expecting only one of 'inputs' or 'instances' keys to exist ",
            ),
            (
                "rows that are no array",
                b'{"instances": 1}',
                "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array",
            ),
            (
                "no rows",
                b'{"instances": []}',
                "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
            ),
            (
                "signature that is no string",
                b'{"signature_name": 1, "instances": [1]}',
                'JSON Value: {\n    "signature_name": 1,\n    "instances": [1]\n} not formatted '
                "correctly. 'signature_name' key must be a string value.",
            ),
            (
                "value of another type",
                rows("", ["a", 1]),
                f'{_FAILED}0{_LIST}JSON Value: "a" Type: String is not of expected type: float',
            ),
            (
                "fraction for an integer",
                rows("int32", 1.5),
                f"{_FAILED}0{_LIST}JSON Value: 1.5 Type: Number is not of expected type: int32",
            ),
            (
                "integer of more than 32 bits",
                rows("int32", 2**31),
                f"{_FAILED}0{_LIST}JSON Value: 2147483648 Type: Number is not of expected type: "
                "int32",
            ),
            (
                "rows of different sizes",
                rows("", [1, 2], [3]),
                f"{_FAILED}1{_LIST}Expecting tensor size: 2 but got: 1",
            ),
            (
                "rows of different shapes",
                rows("float32", [[1, 2]], [[1], [2]]),
                f"{_FAILED}1{_LIST}Expecting shape [1,2] but got: [2,1]",
            ),
            (
                "ragged row",
                rows("float32", [[1, 2], [3]]),
                f"{_FAILED}0{_LIST}Encountered list at unexpected size: 1 at level: 1 expected "
                "size: 2",
            ),
            (
                "value beside a list",
                rows("float32", [[1, 2], 3]),
                f"{_FAILED}0{_LIST}JSON Value: 3 found at incorrect level: 2 in the JSON DOM. "
                "Expected at level: 2",
            ),
            (
                "list inside a value's place",
                rows("float32", [1, [2]]),
                f"{_FAILED}0{_LIST}Encountered list at unexpected level: 1 expected < 1",
            ),
            (
                "plain rows for several inputs",
                rows("two", 1),
                "instances is a plain list, but expecting list of objects as multiple input "
                "tensors required as per tensorinfo_map",
            ),
            (
                "plain column for several inputs",
                columns("two", [1]),
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map",
            ),
            (
                "unknown input in a row",
                rows("", {"z": 1}),
                f"{_FAILED}0 key: z{_LIST}JSON object: does not have named input: z",
            ),
            (
                "missing input in a row",
                rows("two", {"a": 1}),
                f"{_FAILED}0 of 'instances' list. JSON object: {{\n    \"a\": 1\n}} keys must be "
                "equal to: a,b",
            ),
            (
                "missing input in columns",
                columns("two", {"a": [1]}),
                "Missing named input: b in 'inputs' object.",
            ),
            (
                "value after objects",
                rows("", {"x": [1, 2]}, [1, 2]),
                "Expecting object but got list at item 1 of input list",
            ),
            (
                "object after values",
                rows("", [1, 2], {"x": [1, 2]}),
                "Expecting value/list but got object at item 1 of input list",
            ),
            (
                "object that is no base64",
                columns("string", {"x": {"b": "YWI="}}),
                'JSON Value: {\n    "b": "YWI="\n} not formatted correctly for base64 data',
            ),
            ("wrong base64", columns("string", {"b64": "%%"}), "Unable to base64 decode"),
            (
                "scalar output as rows",
                rows("total", [1, 2]),
                "Tensor name: y has no shape information ",
            ),
        )
    ],
) + [
    _fails(name, source, path, rows(signature, [1, 2, 3]), status=status, text=text)
    for name, source, path, signature, status, text in (
        (
            "predict: unknown signature",
            HANDLER,
            _TENSORS,
            "s",
            400,
            'Serving signature name: "s" not found in signature def',
        ),
        (
            "predict: unknown model",
            "core/basic_manager.cc",
            "/v1/models/m:predict",
            "",
            404,
            "Servable not found for request: Latest(m)",
        ),
        (
            "predict: unknown label",
            "model_servers/server_core.cc",
            "/v1/models/scale/labels/x:predict",
            "",
            400,
            "Unrecognized servable version label: x",
        ),
        (
            "predict: wrong inner dimension",
            HANDLER,
            _TENSORS,
            "",
            400,
            "Matrix size-incompatible: In[0]: [1,3], In[1]: [2,1]\n\t [[{{node product}}]]",
        ),
    )
]
