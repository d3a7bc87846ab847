"""What a model takes and gives, as the server that runs it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from udfs.client import wire
from udfs.client.outcomes import Failure, FailureReason, bad_reply
from udfs.client.tensors import DTYPES

_FIELD = "signature_def"
_ANY_SIZE = -1


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor of a signature.

    Attributes:
        dtype: numpy's name for it, such as `float32`; `DT_<number>` for what numpy has not.
        shape: sizes of the axes, -1 where any will do; None when even their number is open.

    >>> TensorSpec("float32", (-1, 15)).takes((256, 15)), TensorSpec("bool", (-1,)).takes((8, 1))
    (True, False)
    """

    dtype: str
    shape: tuple[int, ...] | None

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape fits."""
        if self.shape is None:
            return True
        pairs = zip(self.shape, shape, strict=False)
        return len(self.shape) == len(shape) and all(own in (_ANY_SIZE, n) for own, n in pairs)


@dataclass(frozen=True, slots=True)
class SignatureSpec:
    """Tensors by the names under which a signature takes and gives them."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


def metadata_request(model_name: str, version: int | None) -> bytes | Failure:
    """The request for a model's signatures; a failure when it cannot be one."""
    request = wire.GetModelMetadataRequest(metadata_field=[_FIELD])
    try:
        request.model_spec.name = model_name
        if version is not None:
            request.model_spec.version.value = version
        message: bytes = request.SerializeToString()
    except (TypeError, ValueError, UnicodeError) as error:
        return Failure(FailureReason.INVALID_REQUEST, f"model {model_name}: {error}")
    return message


def signatures(reply: bytes, model_name: str) -> dict[str, SignatureSpec] | Failure:
    """The signatures by name that a reply tells."""
    try:
        response = wire.GetModelMetadataResponse.FromString(reply)
        found = wire.SignatureDefMap.FromString(response.metadata[_FIELD].value)
    except (DecodeError, ValueError) as error:
        return bad_reply(f"model {model_name}: {error}")
    return {
        name: SignatureSpec(_specs(signature.inputs), _specs(signature.outputs))
        for name, signature in found.signature_def.items()
    }


def _specs(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {name: _spec(info.dtype, info.tensor_shape) for name, info in infos.items()}


def _spec(number: int, shape: Any) -> TensorSpec:
    dtype = DTYPES[number].name if number in DTYPES else f"DT_{number}"
    sizes = None if shape.unknown_rank else tuple(int(dim.size) for dim in shape.dim)
    return TensorSpec(dtype, sizes)
