"""The gRPC services, on raw bytes: each message is decoded once, by the client's own schema."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from millrace.model_server import predictions, wire
from millrace.model_server.catalog import Catalog
from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.events import log
from millrace.model_server.running import ModelRunner

_Method: TypeAlias = Callable[[bytes], Awaitable[bytes]]
_SIGNATURE_DEF = "signature_def"
_SIGNATURE_DEF_MAP = "type.googleapis.com/tensorflow.serving.SignatureDefMap"


class Services:
    """TensorFlow Serving's PredictionService and ModelService over a catalog.

    Args:
        catalog: the models.
        runner: runs them.
        as_content: replies carry `tensor_content` instead of the typed fields.
        max_tensor_bytes: the largest tensor that a few values may be spread over.
    """

    def __init__(
        self, catalog: Catalog, runner: ModelRunner, *, as_content: bool, max_tensor_bytes: int
    ) -> None:
        self._catalog = catalog
        self._runner = runner
        self._as_content = as_content
        self._max_tensor_bytes = max_tensor_bytes

    def handlers(self) -> "tuple[grpc.GenericRpcHandler[Any, Any], ...]":
        """What a gRPC server needs to serve both services."""
        prediction: dict[str, _Method] = {
            "Predict": self.predict,
            "GetModelMetadata": self.get_model_metadata,
        }
        model: dict[str, _Method] = {"GetModelStatus": self.get_model_status}
        return (
            _handler("tensorflow.serving.PredictionService", prediction),
            _handler("tensorflow.serving.ModelService", model),
        )

    async def predict(self, message: bytes) -> bytes:
        """The reply to a PredictRequest. Raises RequestError."""
        request = _decoded(wire.PredictRequest, message)
        served = self._catalog.find(request)
        asked = predictions.prediction(request, served.servable.signatures, self._max_tensor_bytes)
        values = await self._runner.run(served, asked.feeds, list(asked.outputs.values()))
        return predictions.reply(
            request.model_spec.name, served.version, asked, values, as_content=self._as_content
        )

    async def get_model_metadata(self, message: bytes) -> bytes:
        """The reply to a GetModelMetadataRequest. Raises RequestError."""
        request = _decoded(wire.GetModelMetadataRequest, message)
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for name in request.metadata_field:
            if name != _SIGNATURE_DEF:
                raise invalid(f"Metadata field {name} is not supported")
        served = self._catalog.find(request)
        response = wire.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = served.version
        packed = response.metadata[_SIGNATURE_DEF]
        packed.type_url, packed.value = _SIGNATURE_DEF_MAP, served.servable.signature_def_map
        return _encoded(response)

    async def get_model_status(self, message: bytes) -> bytes:
        """The reply to a GetModelStatusRequest. Raises RequestError."""
        request = _decoded(wire.GetModelStatusRequest, message)
        response = wire.GetModelStatusResponse()
        for status in self._catalog.statuses(request):
            item = response.model_version_status.add(version=status.version, state=status.state)
            item.status.error_code = status.error_code
            item.status.error_message = status.error_message
        return _encoded(response)


def _decoded(message_class: Any, message: bytes) -> Any:
    try:
        return message_class.FromString(message)
    except DecodeError as error:
        raise RequestError(grpc.StatusCode.INTERNAL, "The request cannot be parsed.") from error


def _encoded(response: Any) -> bytes:
    message: bytes = response.SerializeToString()
    return message


def _handler(service: str, methods: dict[str, _Method]) -> "grpc.GenericRpcHandler[Any, Any]":
    # Without serializers gRPC hands bytes through; its type stubs leave that form out.
    raw: Any = grpc.unary_unary_rpc_method_handler
    handlers = {name: raw(_answering(method)) for name, method in methods.items()}
    return grpc.method_handlers_generic_handler(service, handlers)


def _answering(method: _Method) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def answer(message: bytes, context: Any) -> bytes:
        try:
            return await method(message)
        except RequestError as error:
            code, details = error.code, error.message
        except Exception as error:
            # One strange request must not look like a broken server without a trace of why.
            log("request_failed", method=method.__name__, error=repr(error))
            code, details = grpc.StatusCode.INTERNAL, "The server failed; its log says why."
        await context.abort(code, details)
        raise AssertionError("abort raises")

    return answer
