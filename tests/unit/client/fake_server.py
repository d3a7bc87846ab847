"""A gRPC server in the test's own loop that answers with bytes chosen by the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import numpy as np
from numpy.typing import NDArray

from udfs.client import tensors, wire

Method = Callable[[bytes, Any], Awaitable[bytes]]


@asynccontextmanager
async def serving(
    predict: Method, *, credentials: Any = None, port: int = 0, grace_s: float | None = None
) -> AsyncIterator[str]:
    """The address of a server whose Predict and GetModelStatus are both `predict`.

    Args:
        predict: the method.
        credentials: of an encrypted server; None for plain text.
        port: a certain port.
        grace_s: how long calls in flight may go on when it stops; None: not at all.
    """
    raw: Any = grpc.unary_unary_rpc_method_handler
    server: Any = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "tensorflow.serving.PredictionService", {"Predict": raw(predict)}
            ),
            grpc.method_handlers_generic_handler(
                "tensorflow.serving.ModelService", {"GetModelStatus": raw(predict)}
            ),
        )
    )
    address = f"127.0.0.1:{port}"
    if credentials is None:
        bound = server.add_insecure_port(address)
    else:
        bound = server.add_secure_port(address, credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        await server.stop(grace_s)


@asynccontextmanager
async def black_hole() -> AsyncIterator[str]:
    """The address of a listener that accepts connections and never says a word."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def answering(reply: bytes) -> Method:
    """A method that answers the same each time."""

    async def method(message: bytes, context: Any) -> bytes:
        return reply

    return method


def failing(code: grpc.StatusCode, details: str) -> Method:
    """A method that ends with a status each time."""

    async def method(message: bytes, context: Any) -> bytes:
        await context.abort(code, details)
        raise AssertionError("abort raises")

    return method


def response(outputs: dict[str, NDArray[Any]], version: int | None = 3) -> bytes:
    """A serialised PredictResponse of model `fraud`."""
    message = wire.PredictResponse()
    message.model_spec.name = "fraud"
    message.model_spec.signature_name = "serving_default"
    if version is not None:
        message.model_spec.version.value = version
    for name, array in outputs.items():
        tensors.encode_typed(array, message.outputs[name])
    serialised: bytes = message.SerializeToString()
    return serialised


FEATURES = np.arange(18, dtype=np.float32).reshape(2, 9)
SCORES = np.array([0.25, 0.75], np.float32)
