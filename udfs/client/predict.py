"""Calls a model server and turns whatever happens into an outcome."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from udfs.client import tensors, wire
from udfs.client.channel import open_channel
from udfs.client.outcomes import (
    Answer,
    Failure,
    FailureReason,
    Outcome,
    VersionState,
    VersionStatus,
    bad_reply,
)
from udfs.client.status_codes import failure

_MEBIBYTE = 1 << 20


class PredictionClient:
    """Asks one model server for predictions, with one deadline a call and no retries.

    The channel opens at the first call, on the loop that runs then, so a client can be made and
    pickled anywhere. Calls never raise, except for CancelledError when the caller is cancelled.

    Args:
        target: address of the server, `host:port`.
        max_reply_bytes: larger replies become a `bad_reply`.
    """

    def __init__(self, target: str, *, max_reply_bytes: int = 64 * _MEBIBYTE) -> None:
        self._target = target
        self._max_reply_bytes = max_reply_bytes
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._methods: dict[str, Any] = {}
        self._closed = False

    async def predict(
        self,
        model_name: str,
        inputs: Mapping[str, NDArray[Any]],
        *,
        deadline_s: float,
        signature_name: str = "serving_default",
        version: int | None = None,
        version_label: str | None = None,
    ) -> Outcome:
        """The answer of a model to arrays by input name, or the failure.

        Args:
            model_name: the model, as the server names it.
            inputs: arrays by input name; the first axis counts rows.
            deadline_s: seconds for the whole call.
            signature_name: the signature to run.
            version: a certain version; otherwise the server chooses.
            version_label: the version that carries a label; not together with `version`.
        """
        request = wire.PredictRequest()
        try:
            _specify(request.model_spec, model_name, version, version_label)
            request.model_spec.signature_name = signature_name
            for name, array in inputs.items():
                tensors.encode(array, request.inputs[name])
            message = request.SerializeToString()
        except (TypeError, ValueError, UnicodeError) as error:
            return Failure(FailureReason.INVALID_REQUEST, f"{self._target}: {error}", False)
        reply = await self._call(wire.PREDICT, message, deadline_s)
        return reply if isinstance(reply, Failure) else self._answer(reply, version)

    async def model_status(
        self, model_name: str, *, deadline_s: float, version: int | None = None
    ) -> list[VersionStatus] | Failure:
        """The states of a model's versions, newest first, or of one of them."""
        request = wire.GetModelStatusRequest()
        try:
            _specify(request.model_spec, model_name, version, None)
        except (TypeError, ValueError) as error:
            return Failure(FailureReason.INVALID_REQUEST, f"{self._target}: {error}", False)
        message = request.SerializeToString()
        reply = await self._call(wire.GET_MODEL_STATUS, message, deadline_s)
        return reply if isinstance(reply, Failure) else self._statuses(reply)

    async def close(self) -> None:
        """Ends the calls in flight (as failures) and closes the channel for good."""
        self._closed = True
        channel, self._channel = self._channel, None
        if channel is not None and self._loop is asyncio.get_running_loop():
            await channel.close(grace=None)

    async def _call(self, method: str, message: bytes, deadline_s: float) -> bytes | Failure:
        if self._closed:
            return self._cancelled()
        if deadline_s <= 0:
            return failure(self._target, grpc.StatusCode.DEADLINE_EXCEEDED, "no time left to call")
        try:
            reply: bytes = await self._method(method)(
                message, timeout=deadline_s, wait_for_ready=False
            )
            return reply
        except grpc.aio.AioRpcError as error:
            return failure(self._target, error.code(), error.details() or "")
        except asyncio.CancelledError:
            if self._closed and not _being_cancelled():
                return self._cancelled()
            raise
        except Exception as error:
            # Flink may commit a bundle without the output of an element that raised.
            return Failure(FailureReason.INTERNAL, f"{self._target}: {error!r}", False)

    def _method(self, method: str) -> Any:
        loop = asyncio.get_running_loop()
        if self._channel is None or self._loop is not loop:
            # A channel belongs to its loop: after a restart of the loop only a new one works.
            self._channel = open_channel(self._target, self._max_reply_bytes)
            self._loop, self._methods = loop, {}
        if method not in self._methods:
            self._methods[method] = _raw(self._channel, method)
        return self._methods[method]

    def _cancelled(self) -> Failure:
        return Failure(FailureReason.CANCELLED, f"{self._target}: the client is closed", False)

    def _answer(self, reply: bytes, version: int | None) -> Outcome:
        try:
            response = wire.PredictResponse.FromString(reply)
            outputs = {
                name: tensors.decode(tensor, self._max_reply_bytes)
                for name, tensor in response.outputs.items()
            }
        except (DecodeError, ValueError) as error:
            return bad_reply(f"{self._target}: {error}")
        spec = response.model_spec
        if not spec.HasField("version"):
            return bad_reply(f"{self._target}: the reply does not name the version that answered")
        if version is not None and spec.version.value != version:
            return bad_reply(
                f"{self._target}: version {spec.version.value} answered for version {version}"
            )
        return Answer(outputs, spec.name, spec.version.value, spec.signature_name)

    def _statuses(self, reply: bytes) -> list[VersionStatus] | Failure:
        try:
            response = wire.GetModelStatusResponse.FromString(reply)
            found = [
                VersionStatus(
                    item.version,
                    VersionState(item.state),
                    item.status.error_code,
                    item.status.error_message,
                )
                for item in response.model_version_status
            ]
        except (DecodeError, ValueError) as error:
            return bad_reply(f"{self._target}: {error}")
        return sorted(found, key=lambda status: -status.version)


def _raw(channel: Any, method: str) -> Any:
    # Without serializers gRPC hands bytes through; its type stubs leave that form out.
    return channel.unary_unary(method)


def _specify(spec: Any, name: str, version: int | None, label: str | None) -> None:
    if version is not None and label is not None:
        raise ValueError("a call names a version or a label, not both")
    spec.name = name
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label


def _being_cancelled() -> bool:
    """Whether the caller's task is being cancelled; Python 3.10 cannot tell and says no."""
    task = asyncio.current_task()
    count = getattr(task, "cancelling", None)
    return bool(count and count())
