"""TensorFlow Serving's gRPC services: messages in and out of the core."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import grpc
from numpy.typing import NDArray

from millrace.model_server import replies, wire
from millrace.model_server.core import Asked, Core, Prediction
from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.model_config import configs_of
from millrace.model_server.multi_inference import Task
from millrace.model_server.predict_replies import predict_reply
from millrace.model_server.predict_requests import PredictRequest, RequestReader, read_tensor
from millrace.model_server.reloading import Reloader
from millrace.model_server.requests import (
    decoded,
    encoded,
    examples_of,
    missing_spec,
    required_spec,
    spec_of,
)
from millrace.model_server.running import Work

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
_SIGNATURE_DEF = "signature_def"
_SIGNATURE_DEF_MAP = "type.googleapis.com/tensorflow.serving.SignatureDefMap"

Answer: TypeAlias = Callable[[Any, "float | None"], Awaitable[bytes]]
"""A request and its deadline in, a serialised reply out; raises RequestError."""


Done: TypeAlias = Callable[["bytes | Exception"], None]
"""Takes a serialised reply, or why there is none."""


@dataclass(frozen=True)
class Method:
    """A method of a service.

    Attributes:
        name: on the wire.
        decode: makes a request of bytes; raises RequestError.
        answer: answers it.
        model_name: the model that a request is for; None where requests are not counted.
    """

    name: str
    decode: Callable[[bytes], Any]
    answer: Answer
    model_name: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class WireOptions:
    """How tensors are read and written.

    Attributes:
        as_content: replies carry `tensor_content` instead of the typed fields.
        max_tensor_bytes: the largest tensor that a few values may be spread over.
    """

    as_content: bool = False
    max_tensor_bytes: int = 1 << 30


@dataclass(frozen=True)
class QuickMethod:
    """A method that is started in the thread that takes calls in, and may end there.

    Attributes:
        name: on the wire.
        decode: makes a request of bytes; raises RequestError.
        start: answers it: takes the request, its deadline, and what takes the reply or the error,
            once, from any thread. Raises RequestError instead.
        model_name: the model that a request is for.
    """

    name: str
    decode: Callable[[bytes], Any]
    start: Callable[[Any, float | None, Done], Work]
    model_name: Callable[[Any], str]


class PredictionService:
    """`tensorflow.serving.PredictionService` over the core."""

    def __init__(self, core: Core, options: WireOptions) -> None:
        self._core = core
        self._options = options

    def methods(self) -> Sequence[Method | QuickMethod]:
        """The service's methods."""
        return (
            QuickMethod("Predict", RequestReader().read, self.predict, _predicted),
            _counted("Classify", wire.ClassificationRequest, self.classify),
            _counted("Regress", wire.RegressionRequest, self.regress),
            Method(
                "MultiInference",
                partial(decoded, wire.MultiInferenceRequest),
                self.multi_inference,
                lambda request: request.tasks[0].model_spec.name if request.tasks else "",
            ),
            Method(
                "GetModelMetadata",
                partial(decoded, wire.GetModelMetadataRequest),
                self.get_model_metadata,
            ),
        )

    def predict(self, request: PredictRequest, deadline: float | None, done: Done) -> Work:
        """Starts the answer to a PredictRequest."""
        if request.spec is None:
            raise missing_spec()
        asked = Asked(request.spec, request.inputs, self._read, request.output_filter, deadline)
        return self._core.start_predict(asked, lambda outcome: done(self._reply(outcome)))

    def _reply(self, outcome: Prediction | Exception) -> bytes | Exception:
        if isinstance(outcome, Exception):
            return outcome
        as_content = self._options.as_content
        try:
            written = predict_reply(outcome, as_content=as_content)
            return written or replies.predict_reply(outcome, as_content=as_content)
        except Exception as error:
            # Whoever waits has to hear of it.
            return error

    def _read(self, tensor: Any) -> NDArray[Any]:
        return read_tensor(tensor, self._options.max_tensor_bytes)

    async def classify(self, request: Any, deadline: float | None) -> bytes:
        """The reply to a ClassificationRequest."""
        spec, examples = required_spec(request), examples_of(request.input)
        return replies.classification_reply(await self._core.classify(spec, examples, deadline))

    async def regress(self, request: Any, deadline: float | None) -> bytes:
        """The reply to a RegressionRequest."""
        spec, examples = required_spec(request), examples_of(request.input)
        return replies.regression_reply(await self._core.regress(spec, examples, deadline))

    async def multi_inference(self, request: Any, deadline: float | None) -> bytes:
        """The reply to a MultiInferenceRequest."""
        tasks = [Task(spec_of(task.model_spec), task.method_name) for task in request.tasks]
        examples = examples_of(request.input)
        answers = await self._core.multi_inference(tasks, examples, deadline)
        return replies.multi_inference_reply(answers)

    async def get_model_metadata(self, request: Any, deadline: float | None) -> bytes:
        """The reply to a GetModelMetadataRequest."""
        spec = required_spec(request)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for name in request.metadata_field:
            if name != _SIGNATURE_DEF:
                raise invalid(f"Metadata field {name} is not supported")
        served = self._core.catalog.find(spec)
        response = wire.GetModelMetadataResponse()
        response.model_spec.name = served.name
        response.model_spec.version.value = served.version
        packed = response.metadata[_SIGNATURE_DEF]
        packed.type_url, packed.value = _SIGNATURE_DEF_MAP, served.servable.signature_def_map
        return encoded(response)


class ModelService:
    """`tensorflow.serving.ModelService` over the catalog.

    Args:
        core: knows the models.
        reloader: applies new configurations; None refuses them.
        metrics: values of counters by name, as far as a reload may ask for them.
    """

    def __init__(
        self,
        core: Core,
        reloader: Reloader | None,
        metrics: Callable[[str], int] = lambda _: 0,
    ) -> None:
        self._core = core
        self._reloader = reloader
        self._metrics = metrics

    def methods(self) -> Sequence[Method]:
        """The service's methods."""
        status, reload = wire.GetModelStatusRequest, wire.ReloadConfigRequest
        return (
            Method("GetModelStatus", partial(decoded, status), self.get_model_status),
            Method("HandleReloadConfigRequest", partial(decoded, reload), self.reload),
        )

    async def get_model_status(self, request: Any, deadline: float | None) -> bytes:
        """The reply to a GetModelStatusRequest."""
        return replies.statuses_reply(self._core.catalog.statuses(required_spec(request)))

    async def reload(self, request: Any, deadline: float | None) -> bytes:
        """The reply to a ReloadConfigRequest, once new models are available."""
        if self._reloader is None:
            raise RequestError(
                grpc.StatusCode.PERMISSION_DENIED,
                "This server takes no new configuration; start it with --allow_reload_config",
            )
        if not request.config.HasField("model_config_list"):
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest."
                " Only ModelConfigList is currently supported"
            )
        before = self._values(request.metric_names)
        await self._reloader.apply(configs_of(request.config))
        response = wire.ReloadConfigResponse()
        response.status.SetInParent()
        for name, value in self._values(request.metric_names).items():
            response.metric.add(name=name, int64_value_increase=value - before[name])
        return encoded(response)

    def _values(self, names: Sequence[str]) -> Mapping[str, int]:
        return {name: self._metrics(name) for name in names}


def _counted(name: str, request: Any, answer: Answer) -> Method:
    return Method(name, partial(decoded, request), answer, _name)


def _name(request: Any) -> str:
    return str(request.model_spec.name)


def _predicted(request: PredictRequest) -> str:
    return request.spec.name if request.spec else ""
