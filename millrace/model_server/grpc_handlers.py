"""Services as handlers of a gRPC server, on raw bytes."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from millrace.model_server.errors import RequestError
from millrace.model_server.events import log
from millrace.model_server.observer import Observer
from millrace.model_server.services import Method


def handler(
    service: str, methods: Sequence[Method], observer: Observer
) -> "grpc.GenericRpcHandler[Any, Any]":
    """What a gRPC server needs to serve a service."""
    # Without serializers gRPC hands bytes through; its type stubs leave that form out.
    raw: Any = grpc.unary_unary_rpc_method_handler
    handlers = {method.name: raw(_answering(method, observer)) for method in methods}
    return grpc.method_handlers_generic_handler(service, handlers)


def _answering(method: Method, observer: Observer) -> Callable[[bytes, Any], Any]:
    async def answer(message: bytes, context: Any) -> bytes:
        start = time.perf_counter()
        name = ""
        try:
            request = method.decode(message)
            name = method.model_name(request) if method.model_name else ""
            reply = await method.answer(request, _deadline(context))
        except RequestError as error:
            code, details = error.code, error.message
        except Exception as error:
            # One strange request must not look like a broken server without a trace of why.
            log("request_failed", method=method.name, error=repr(error))
            code, details = grpc.StatusCode.INTERNAL, "The server failed; its log says why."
        else:
            if method.model_name:
                observer.requested(name, grpc.StatusCode.OK)
                took = (time.perf_counter() - start) * 1e6
                observer.answered(name, method.name, "GRPC", took)
            return reply
        if method.model_name:
            observer.requested(name, code)
        await context.abort(code, details)
        raise AssertionError("abort raises")

    return answer


def _deadline(context: Any) -> float | None:
    remaining = context.time_remaining()
    return None if remaining is None else time.monotonic() + remaining
