"""The server's life: load, listen, follow the base paths, drain."""

import asyncio
import signal
import socket
from functools import partial
from typing import Any, Final

import grpc.aio

from millrace.model_server.catalog import Catalog
from millrace.model_server.events import log
from millrace.model_server.models import Model
from millrace.model_server.running import ModelRunner
from millrace.model_server.saved_model import SavedModelSession
from millrace.model_server.services import Services
from millrace.model_server.settings import Settings
from udfs.errors import DataError, EnvironmentFault

_DRAIN_SECONDS: Final = 10.0
_FIRST_VERSION_SECONDS: Final = 0.25


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then lets the calls in flight end.

    Raises:
        DataError: a model has versions, but none that loads.
        EnvironmentFault: the port is taken.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _check_port(settings)
    loader = partial(SavedModelSession, threads=settings.threads)
    models = [Model(each.name, each.base_path, loader) for each in settings.models]
    runner = ModelRunner()
    try:
        first = asyncio.gather(*[_first_version(model, settings, stop) for model in models])
        if all(await first):
            await _listen(settings, models, runner, stop)
    finally:
        await asyncio.gather(*[model.close() for model in models])
        runner.close()


async def _first_version(model: Model, settings: Settings, stop: asyncio.Event) -> bool:
    """Waits until the model has a version; False when the server is told to stop before."""
    await model.refresh()
    if model.serving is None and not model.statuses():
        log("waiting_for_first_version", model=model.name, base_path=str(model.directory))
    while model.serving is None and not stop.is_set():
        for status in model.statuses():
            raise DataError(
                f"version {status.version} of model {model.name} cannot be loaded: "
                f"{status.error_message.splitlines()[0]}"
            )
        await _pause(stop, settings.poll_wait_s or _FIRST_VERSION_SECONDS)
        await model.refresh()
    return not stop.is_set()


async def _listen(
    settings: Settings, models: list[Model], runner: ModelRunner, stop: asyncio.Event
) -> None:
    services = Services(
        Catalog(models),
        runner,
        as_content=settings.as_content,
        max_tensor_bytes=settings.max_message_bytes,
    )
    server: Any = grpc.aio.server(options=_options(settings))
    server.add_generic_rpc_handlers(services.handlers())
    try:
        port = server.add_insecure_port(_address(settings))
    except RuntimeError as error:
        raise _port_taken(settings) from error
    await server.start()
    _announce(settings, models, port)
    following = [asyncio.ensure_future(_follow(model, settings, stop)) for model in models]
    await stop.wait()
    log("draining", deadline_s=_DRAIN_SECONDS)
    await server.stop(_DRAIN_SECONDS)
    await asyncio.gather(*following)


async def _follow(model: Model, settings: Settings, stop: asyncio.Event) -> None:
    if not settings.poll_wait_s:
        return
    while not stop.is_set():
        await _pause(stop, settings.poll_wait_s)
        await model.refresh()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except asyncio.TimeoutError:
        return


def _announce(settings: Settings, models: list[Model], port: int) -> None:
    address = f"{settings.bind_address}:{port}"
    for model in models:
        version = model.serving.version if model.serving else 0
        log("serving", model=model.name, version=version, address=address)
    print(f"listening on {address}", flush=True)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        # Two servers on one port would share its calls without a word.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", -1),
    ]


def _address(settings: Settings) -> str:
    host = settings.bind_address
    return f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"


def _check_port(settings: Settings) -> None:
    # Loading takes longer than this, and a port that is taken is better told at once.
    try:
        family, *_, address = socket.getaddrinfo(
            settings.bind_address, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise _port_taken(settings) from error


def _port_taken(settings: Settings) -> EnvironmentFault:
    return EnvironmentFault(
        f"cannot listen on {_address(settings)}: the port is taken or the address is not ours"
    )
