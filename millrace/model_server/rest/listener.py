"""The HTTP server of the REST API and of the metrics page."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from aiohttp import web

from millrace.model_server.errors import RequestError
from millrace.model_server.events import log
from millrace.model_server.observer import Observer
from millrace.model_server.rest import json_out
from millrace.model_server.rest.api import RestApi, http_status
from millrace.model_server.rest.listening import RestListening
from millrace.model_server.rest.paths import API, Asked, parsed
from udfs.errors import EnvironmentFault

_NOT_FOUND = 404
_DRAIN_SECONDS = 10.0


@dataclass(frozen=True)
class MetricsPage:
    """A page with the server's metrics.

    Attributes:
        path: where it is.
        text: what it says now.
    """

    path: str
    text: Callable[[], str]


class _Handler:
    def __init__(self, api: RestApi, observer: Observer, page: MetricsPage | None) -> None:
        self._api = api
        self._observer = observer
        self._page = page
        self._late: set[asyncio.Task[bytes]] = set()

    async def handle(self, request: web.Request) -> web.Response:
        path = re.split("[?#]", request.raw_path, maxsplit=1)[0]
        if self._page and path == self._page.path:
            return web.Response(text=self._page.text(), content_type="text/plain")
        if not API.fullmatch(path):
            return _json(_NOT_FOUND, json_out.error(f"No such path: {path}"))
        start = time.perf_counter()
        asked: Asked | None = None
        try:
            asked = parsed(request.method, path)
            body = await self._answer(asked, await request.read())
            code = grpc.StatusCode.OK
        except web.HTTPRequestEntityTooLarge as error:
            return _json(error.status, json_out.error(f"The request is too large: {error.text}"))
        except RequestError as error:
            code, body = error.code, json_out.error(str(error))
        name = asked.spec.name if asked else ""
        if asked and code is grpc.StatusCode.OK:
            verb = "" if asked.verb == "metadata" else asked.verb
            took = (time.perf_counter() - start) * 1e6
            self._observer.answered(name, verb, "REST", took)
        self._observer.requested(name, code)
        return _json(http_status(code), body)

    async def _answer(self, asked: Asked, body: bytes) -> bytes:
        answering = asyncio.ensure_future(self._api.answer(asked, body))
        try:
            done, _ = await asyncio.wait([answering], timeout=self._api.timeout_s)
        except asyncio.CancelledError:
            answering.cancel()
            raise
        if not done:
            # A graph that runs cannot be stopped; the client need not wait for its end.
            self._late.add(answering)
            answering.add_done_callback(self._late.discard)
            answering.cancel()
            message = "Timed out waiting for notification"
            raise RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, message)
        try:
            return answering.result()
        except RequestError:
            raise
        except Exception as error:
            # One strange request must not look like a broken server without a trace of why.
            log("request_failed", method=f"REST {asked.verb}", error=repr(error))
            message = "The server failed; its log says why."
            raise RequestError(grpc.StatusCode.INTERNAL, message) from error


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


@asynccontextmanager
async def serving(
    where: RestListening, api: RestApi, observer: Observer, page: MetricsPage | None
) -> AsyncIterator[None]:
    """Serves HTTP inside the block; at its end calls in flight may finish.

    Raises:
        EnvironmentFault: the port is taken or the address is not ours.
    """
    application = web.Application(client_max_size=where.max_body_bytes)
    application.router.add_route("*", "/{path:.*}", _Handler(api, observer, page).handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, where.bind_address, where.port).start()
        except OSError as error:
            raise EnvironmentFault(
                f"cannot listen on {where.bind_address}:{where.port}: the port is taken or the "
                "address is not ours"
            ) from error
        yield
    finally:
        await runner.cleanup()
