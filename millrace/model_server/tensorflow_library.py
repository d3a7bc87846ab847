"""TensorFlow's C functions out of its pip package, without importing the package.

Importing tensorflow takes about eight seconds and a make_callable call 110 to 150 µs for a small
model; the library alone loads in 0.4 s and a call takes 47 µs (measured on 2 cores, 2.20.0).
"""

import ctypes
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from udfs.errors import EnvironmentFault

_P = ctypes.c_void_p
_INT = ctypes.c_int
_SIZE = ctypes.c_size_t
_NAME = ctypes.c_char_p


class Output(ctypes.Structure):
    """TF_Output: one output of an operation."""

    _fields_ = (("operation", _P), ("index", _INT))


class Buffer(ctypes.Structure):
    """TF_Buffer: bytes that the library owns."""

    _fields_ = (("data", _P), ("length", _SIZE), ("deallocator", _P))


_OUTPUTS = ctypes.POINTER(Output)
_TENSORS = ctypes.POINTER(_P)

# Result, then arguments, as tensorflow/c/c_api.h and tf_tensor.h declare them.
_FUNCTIONS: Final[dict[str, tuple[Any, ...]]] = {
    "TF_NewStatus": (_P,),
    "TF_DeleteStatus": (None, _P),
    "TF_GetCode": (_INT, _P),
    "TF_Message": (_NAME, _P),
    "TF_NewBuffer": (ctypes.POINTER(Buffer),),
    "TF_DeleteBuffer": (None, ctypes.POINTER(Buffer)),
    "TF_AllocateTensor": (_P, _INT, ctypes.POINTER(ctypes.c_int64), _INT, _SIZE),
    "TF_DeleteTensor": (None, _P),
    "TF_TensorType": (_INT, _P),
    "TF_NumDims": (_INT, _P),
    "TF_Dim": (ctypes.c_int64, _P, _INT),
    "TF_TensorByteSize": (_SIZE, _P),
    "TF_TensorData": (_P, _P),
    "TF_StringInit": (None, _P),
    "TF_StringCopy": (None, _P, _NAME, _SIZE),
    "TF_StringGetDataPointer": (_P, _P),
    "TF_StringGetSize": (_SIZE, _P),
    "TF_StringDealloc": (None, _P),
    "TF_NewSessionOptions": (_P,),
    "TF_DeleteSessionOptions": (None, _P),
    "TF_SetConfig": (None, _P, _NAME, _SIZE, _P),
    "TF_NewGraph": (_P,),
    "TF_DeleteGraph": (None, _P),
    "TF_GraphOperationByName": (_P, _P, _NAME),
    "TF_LoadSessionFromSavedModel": (
        *(_P, _P, _P, _NAME),
        *(ctypes.POINTER(_NAME), _INT, _P, ctypes.POINTER(Buffer), _P),
    ),
    "TF_CloseSession": (None, _P, _P),
    "TF_DeleteSession": (None, _P, _P),
    "TF_SessionRun": (
        *(None, _P, _P, _OUTPUTS, _TENSORS, _INT, _OUTPUTS, _TENSORS, _INT),
        *(_P, _INT, _P, _P),
    ),
}
# These take long enough for other Python threads to run meanwhile; the rest keeps the lock,
# since giving it up and waiting for it again costs more than the call.
_RELEASE_LOCK: Final = frozenset(
    {
        "TF_LoadSessionFromSavedModel",
        "TF_SessionRun",
        "TF_CloseSession",
        "TF_DeleteSession",
        "TF_DeleteGraph",
    }
)


@cache
def load_library() -> Any:
    """The functions by their C names, loaded once in a process.

    Raises:
        EnvironmentFault: TensorFlow is not installed, or is not one that this can use.
    """
    # The runtime writes a page of notices at each start; what matters comes back as a status.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    path = str(_library_path())
    try:
        waiting, holding = ctypes.CDLL(path), ctypes.PyDLL(path)
        library = SimpleNamespace()
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(waiting if name in _RELEASE_LOCK else holding, name)
            function.restype, function.argtypes = result, arguments
            setattr(library, name, function)
    except (OSError, AttributeError) as error:
        raise EnvironmentFault(f"TensorFlow's library {path} cannot be used: {error}") from error
    return library


def _library_path() -> Path:
    spec = find_spec("tensorflow")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("libtensorflow_cc*")):
            return path
    raise EnvironmentFault(
        "TensorFlow is not installed here; install it with: pip install 'millrace-flink[train]'"
    )
