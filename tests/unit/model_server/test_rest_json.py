"""JSON of the REST API: what is read, what is refused in which words, and what is written."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from millrace.model_server.errors import RequestError
from millrace.model_server.rest import json_out
from millrace.model_server.rest.json_in import decode
from millrace.model_server.rest.json_shown import shown
from millrace.model_server.rest.json_tensor import at_once, tensor
from millrace.model_server.rest.paths import parsed

FLOAT, DOUBLE, INT32, UINT8, STRING, INT64, BOOL, UINT64 = 1, 2, 3, 4, 7, 9, 10, 23

# RapidJSON's texts; offsets count bytes.
BROKEN = {
    "blank": (b"  ", "The document is empty. at offset: 2"),
    "open object": (b"{", "Missing a name for object member. at offset: 1"),
    "no colon": (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
    "no comma in an object": (
        b'{"[": 1 "b": 2}',
        "Missing a comma or } after an object member. at offset: 8",
    ),
    "no comma in an array": (
        b'{"a": [1 2]}',
        "Missing a comma or ] after an array element. at offset: 9",
    ),
    "comma at the end": (b'{"a": [1,]}', "Invalid value. at offset: 9"),
    "open string": (b'{"\xc3\xbc', "Missing a closing quotation mark in string. at offset: 4"),
    "escape": (b'{"a": "\\q"}', "Invalid escape character in string. at offset: 7"),
    "half a word": (b'{"a": trUe}', "Invalid value. at offset: 8"),
    "number": (b'{"a": 1e400}', "Number too big to be stored in double. at offset: 6"),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_broken_json_is_refused_in_rapidjsons_words(case: tuple[bytes, str]) -> None:
    body, text = case
    with pytest.raises(RequestError, match=r".") as error:
        decode(body)
    assert str(error.value) == f"JSON Parse error: {text}"


def test_depth_ends_in_an_error_and_not_in_a_crash() -> None:
    with pytest.raises(RequestError, match="nested too deeply"):
        decode(b'{"instances": ' + b"[" * 200_000)


def test_bytes_that_are_no_text_are_kept() -> None:
    assert tensor(decode(b'{"a": ["\xff"]}')["a"], STRING).tolist() == [b"\xff"]


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(RequestError, match="surrogate pair in string is invalid"):
        decode(b'{"a": "\\ud800"}')


def test_both_halves_of_a_surrogate_pair_are_a_character() -> None:
    assert decode(b'{"a": "\\ud83d\\ude00", "b": NaN}')["a"] == "\U0001f600"


def test_integers_that_no_double_holds_are_refused() -> None:
    for digits in (400, 5000):
        with pytest.raises(RequestError, match="Number too big to be stored in double"):
            tensor(decode(b'{"a": [%s]}' % (b"9" * digits))["a"], FLOAT)


def test_more_axes_than_an_array_has_are_refused() -> None:
    nested: Any = 1
    for _ in range(64):
        nested = [nested]
    with pytest.raises(RequestError, match="A tensor of 64 axes cannot be read, 63 are the most"):
        tensor(nested, FLOAT)


TENSORS: dict[str, tuple[Any, int, NDArray[Any]]] = {
    "scalar": (1, FLOAT, np.array(1, np.float32)),
    "mixed numbers": ([1, 2.5], FLOAT, np.array([1, 2.5], np.float32)),
    "cube": ([[[1], [2]]], DOUBLE, np.array([[[1], [2]]], np.float64)),
    "empty": ([], FLOAT, np.zeros(0, np.float32)),
    "empty rows": ([[], []], INT64, np.zeros((2, 0), np.int64)),
    "large": ([2**64 - 1], UINT64, np.array([2**64 - 1], np.uint64)),
    "negative": ([-(2**63)], INT64, np.array([-(2**63)], np.int64)),
    "narrowed": ([300, -1], UINT8, np.array([44, 255], np.uint8)),
    "bools": ([True, False], BOOL, np.array([True, False])),
}


@pytest.mark.parametrize("case", TENSORS.values(), ids=TENSORS.keys())
def test_values_become_tensors(case: tuple[Any, int, NDArray[Any]]) -> None:
    value, dtype, expected = case
    found = tensor(value, dtype)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [[True], [[1], 2], [[1], [1, 2]], ["a"], [None], [{}]], ids=str)
def test_fast_path_leaves_what_is_not_plain(value: Any) -> None:
    assert at_once(value, FLOAT) is None


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (True, FLOAT, "JSON Value: true Type: True is not of expected type: float"),
        (None, BOOL, "JSON Value: null Type: Null is not of expected type: bool"),
        (2**64, UINT64, f"JSON Value: {2**64} Type: Number is not of expected type: uint64"),
        (1, STRING, "JSON Value: 1 Type: Number is not of expected type: string"),
        (1, 8, "Conversion of JSON Value: 1 to type: complex64"),
        ({"b64": 1}, STRING, None),
    ],
)
def test_values_of_another_type_are_refused(value: Any, dtype: int, text: str | None) -> None:
    with pytest.raises(RequestError) as error:
        tensor(value, dtype)
    assert text is None or str(error.value) == text


def test_shown_values_end_after_256_bytes() -> None:
    text = shown(["abcdefgh"] * 1000)
    assert 256 <= len(text) < 280


def test_rows_have_rapidjsons_line_breaks() -> None:
    written = json_out.rows(
        ["a", "b_bytes"], [np.ones((1, 2), np.float32), np.array([b"x"], object)]
    )
    assert written.decode() == (
        '{\n    "predictions": [\n        {\n            "a": [1.0, 1.0],\n'
        '            "b_bytes": {\n                "b64": "eA=="\n            }\n'
        "        }\n    ]\n}"
    )


def test_a_single_output_has_its_rows_on_one_line() -> None:
    written = json_out.rows(["a"], [np.array([[1], [2]], np.int32)])
    assert written.decode() == '{\n    "predictions": [[1], [2]\n    ]\n}'


def test_columns_have_a_line_a_value() -> None:
    written = json_out.columns(["a"], [np.array([[1, 2]], np.int64)])
    assert written.decode() == (
        '{\n    "outputs": [\n        [\n            1,\n            2\n        ]\n    ]\n}'
    )


def test_rows_of_different_counts_are_refused() -> None:
    with pytest.raises(RequestError, match="has inconsistent batch size: 2 expecting: 1"):
        json_out.rows(["a", "b"], [np.zeros(1), np.zeros(2)])


@pytest.mark.parametrize("dtype", [np.complex64, np.float16, np.uint16])
def test_types_without_a_json_form_are_refused(dtype: type) -> None:
    with pytest.raises(RequestError, match="Failed to write JSON value for tensor type: "):
        json_out.columns(["a"], [np.zeros(1, dtype)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_read_back_as_they_were(dtype: type) -> None:
    values: NDArray[Any] = np.random.default_rng(1).lognormal(0, 20, 5000).astype(dtype)
    read = decode(json_out.columns(["a"], [values]))["outputs"]
    np.testing.assert_array_equal(np.array(read).astype(dtype), values)


def test_strings_are_written_as_the_bytes_they_are() -> None:
    written = json_out.columns(["a"], [np.array(b'\xff"\n', object)])
    assert written == b'{\n    "outputs": "\xff\\"\\n"\n}'


def test_paths_are_decoded_after_they_are_taken_apart() -> None:
    asked = parsed("GET", "/v1/models/a%2Fb/labels/c%3Ad/metadata")
    assert (asked.spec.name, asked.spec.version_label, asked.verb) == ("a/b", "c:d", "metadata")
