"""The body of a `:predict` request: rows (`instances`) or columns (`inputs`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.rest.json_in import decode
from millrace.model_server.rest.json_scalars import is_base64
from millrace.model_server.rest.json_shown import shown
from millrace.model_server.rest.json_tensor import at_once, tensor
from millrace.model_server.servable import TensorInfo

_SIGNATURE, _ROWS, _COLUMNS = "signature_name", "instances", "inputs"
_ONE_ONLY: Final = (
    "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
)
Infos = Mapping[str, TensorInfo]


@dataclass(frozen=True)
class PredictBody:
    """What the body of a `:predict` request holds.

    Attributes:
        signature_name: as sent, empty when it was not.
        by_row: True for `instances`, and the answer is by row, too.
        inputs: arrays by input name.
    """

    signature_name: str
    by_row: bool
    inputs: Mapping[str, NDArray[Any]]


def read_predict(body: bytes, infos_of: Callable[[str], Infos]) -> PredictBody:
    """What the body of a `:predict` request asks.

    Args:
        body: JSON.
        infos_of: the inputs of the signature with a name, empty for the default.

    Raises:
        RequestError: the body does not fit, in TensorFlow Serving's words.
    """
    document = decode(body)
    name = signature_name(document)
    infos = infos_of(name)
    if not infos:
        raise invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    if _ROWS in document and _COLUMNS in document:
        raise _format_error(document, _ONE_ONLY)
    if _ROWS in document:
        return PredictBody(name, True, _rows(_instances(document), infos))
    if _COLUMNS in document:
        return PredictBody(name, False, _columns(document[_COLUMNS], infos))
    raise invalid("Missing 'inputs' or 'instances' key")


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a body names, empty when it names none.

    Raises:
        RequestError: the name is no string.
    """
    name = document.get(_SIGNATURE, "")
    if not isinstance(name, str):
        raise _format_error(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def _format_error(document: Mapping[str, Any], message: str) -> RequestError:
    return invalid(f"JSON Value: {shown(document)} {message}")


def _instances(document: Mapping[str, Any]) -> Sequence[Any]:
    instances = document[_ROWS]
    if not isinstance(instances, list):
        raise _format_error(document, "Expecting 'instances' to be an list/array")
    if not instances:
        raise _format_error(document, "No values in 'instances' array")
    return instances


def _columns(value: Any, infos: Infos) -> Mapping[str, NDArray[Any]]:
    if not isinstance(value, dict) or is_base64(value):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        ((name, info),) = infos.items()
        return {name: tensor(value, info.dtype)}
    for name in infos:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: tensor(value[name], info.dtype) for name, info in infos.items()}


def _rows(instances: Sequence[Any], infos: Infos) -> Mapping[str, NDArray[Any]]:
    named = _is_object(instances[0])
    if len(infos) > 1 and not isinstance(instances[0], dict):
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    columns = _named_columns(instances, infos) if named else {next(iter(infos)): instances}
    arrays = {name: at_once(values, infos[name].dtype) for name, values in columns.items()}
    found = {name: array for name, array in arrays.items() if array is not None}
    return found if len(found) == len(infos) else _row_by_row(instances, infos, named=named)


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _named_columns(instances: Sequence[Any], infos: Infos) -> Mapping[str, Sequence[Any]]:
    if all(isinstance(row, dict) and row.keys() == infos.keys() for row in instances):
        return {name: [row[name] for row in instances] for name in infos}
    return {}


def _row_by_row(
    instances: Sequence[Any], infos: Infos, *, named: bool
) -> Mapping[str, NDArray[Any]]:
    rows: dict[str, list[NDArray[Any]]] = {name: [] for name in infos}
    for place, row in enumerate(instances):
        if named and not _is_object(row):
            raise invalid(f"Expecting object but got list at item {place} of input list")
        if not named and _is_object(row):
            raise invalid(f"Expecting value/list but got object at item {place} of input list")
        for name, value in row.items() if named else [(next(iter(infos)), row)]:
            where = f"{place} key: {name}" if named else str(place)
            _add(rows, infos, name, value, where)
        if named and row.keys() != infos.keys():
            raise invalid(
                f"Failed to process element: {place} of 'instances' list. JSON object: "
                f"{shown(row)} keys must be equal to: {','.join(sorted(infos))}"
            )
    return {name: np.stack(arrays) for name, arrays in rows.items()}


def _add(
    rows: dict[str, list[NDArray[Any]]], infos: Infos, name: str, value: Any, where: str
) -> None:
    try:
        if name not in infos:
            raise invalid(f"JSON object: does not have named input: {name}")
        array, before = tensor(value, infos[name].dtype), rows[name]
        if before and before[0].size != array.size:
            raise invalid(f"Expecting tensor size: {before[0].size} but got: {array.size}")
        if before and before[0].shape != array.shape:
            expected, got = (_shown_shape(one.shape) for one in (before[0], array))
            raise invalid(f"Expecting shape {expected} but got: {got}")
    except RequestError as error:
        raise invalid(
            f"Failed to process element: {where} of 'instances' list. "
            f"Error: {error.code.name}: {error}"
        ) from error
    before.append(array)


def _shown_shape(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"
