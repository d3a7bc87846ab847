"""Tensors and signatures in the words of TensorFlow's error messages."""

from typing import Any, Final

from numpy.typing import NDArray

from millrace.model_server.servable import Signature, TensorInfo
from udfs.client.tensors import NUMBERS, STRING

_NAMES: Final = {
    1: "DT_FLOAT",
    2: "DT_DOUBLE",
    3: "DT_INT32",
    4: "DT_UINT8",
    5: "DT_INT16",
    6: "DT_INT8",
    7: "DT_STRING",
    8: "DT_COMPLEX64",
    9: "DT_INT64",
    10: "DT_BOOL",
    14: "DT_BFLOAT16",
    17: "DT_UINT16",
    18: "DT_COMPLEX128",
    19: "DT_HALF",
    20: "DT_RESOURCE",
    21: "DT_VARIANT",
    22: "DT_UINT32",
    23: "DT_UINT64",
}


def type_name(number: int) -> str:
    """The name of a DataType number.

    >>> type_name(1)
    'DT_FLOAT'
    """
    return _NAMES.get(number, "DT_INVALID")


def dtype_name(array: NDArray[Any]) -> str:
    """The name of an array's type.

    >>> import numpy as np
    >>> dtype_name(np.zeros(2, np.float32))
    'DT_FLOAT'
    """
    return type_name(STRING if array.dtype == object else NUMBERS.get(array.dtype, 0))


def shape_of(array: NDArray[Any]) -> str:
    """The shape of an array.

    >>> import numpy as np
    >>> shape_of(np.zeros((2, 3)))
    '[2,3]'
    """
    return f"[{','.join(map(str, array.shape))}]"


def described(signature: Signature) -> str:
    """A signature in protobuf's text form, as TensorFlow Serving shows one."""
    lines = [
        *_entries("inputs", signature.inputs),
        *_entries("outputs", signature.outputs),
        f'method_name: "{signature.method_name}"',
    ]
    return "\n".join(lines) + "\n"


def _entries(field: str, infos: Any) -> list[str]:
    lines = []
    for name, info in infos.items():
        lines += [f"{field} {{", f'  key: "{name}"', "  value {", f'    name: "{info.name}"']
        lines += [*_type_lines(info), "  }", "}"]
    return lines


def _type_lines(info: TensorInfo) -> list[str]:
    lines = [f"    dtype: {type_name(info.dtype)}", "    tensor_shape {"]
    if info.shape is None:
        lines.append("      unknown_rank: true")
    for size in info.shape or ():
        lines += ["      dim {", *([f"        size: {size}"] if size else []), "      }"]
    return [*lines, "    }"]
