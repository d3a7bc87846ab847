"""The server's life: load, listen, follow what changes, drain."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext, suppress
from typing import Any, Final

from millrace.model_server.batching.runner import BatchingRunner
from millrace.model_server.catalog import Catalog, CatalogOptions
from millrace.model_server.core import Core
from millrace.model_server.errors import RequestError
from millrace.model_server.events import log
from millrace.model_server.following import follow_base_paths, follow_config_file, pause
from millrace.model_server.grpc_calls import Handler
from millrace.model_server.grpc_handlers import handlers
from millrace.model_server.grpc_listener import Listening, check_port, open_server
from millrace.model_server.health import Health
from millrace.model_server.metrics import Metrics
from millrace.model_server.models import Model
from millrace.model_server.platforms import platforms
from millrace.model_server.reloading import Reloader
from millrace.model_server.roots import Roots
from millrace.model_server.running import ModelRunner, Runner
from millrace.model_server.services import (
    MODEL_SERVICE,
    PREDICTION_SERVICE,
    ModelService,
    PredictionService,
)
from millrace.model_server.settings import Settings
from millrace.model_server.turns import Turn
from udfs.errors import ConfigurationError, DataError, EnvironmentFault

_DRAIN_SECONDS: Final = 10.0
_UNLOAD_SECONDS: Final = 2.0
_FIRST_VERSION_SECONDS: Final = 0.25


class ModelServer:
    """The parts of a server and their life.

    Args:
        settings: what it runs with.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self._roots = Roots(settings.roots)
        self._observer = Metrics()
        options = CatalogOptions(
            settings.labels_for_unavailable, settings.retries, self._observer, settings.warm_ups
        )
        self._catalog = Catalog(platforms(settings.threads, self._roots), options)
        self._reloader = Reloader(self._catalog, self._roots)
        batching = settings.batching
        self._runner = ModelRunner(batching.num_batch_threads if batching else None)
        runner: Runner = self._runner
        if batching:
            runner = BatchingRunner(runner, batching, self._observer)
        self._core = Core(self._catalog, runner, self._observer)
        self._health = Health()

    async def serve(self) -> None:
        """Serves until SIGTERM or SIGINT, then lets the calls in flight end.

        Raises:
            ConfigurationError: the models cannot be configured as asked.
            DataError: a model has versions, but none that loads.
            EnvironmentFault: the port is taken.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        check_port(self._settings.listening)
        if self._settings.rest.port:
            check_port(Listening(self._settings.rest.port, self._settings.rest.bind_address))
        try:
            if await self._loaded(self._configured()):
                async with AsyncExitStack() as rest:
                    await rest.enter_async_context(self._rest())
                    await self._listen(rest)
        except BaseException:
            await self._catalog.close()
            self._runner.close()
            raise
        await self._unload()

    async def _unload(self) -> None:
        unloading = asyncio.ensure_future(self._catalog.close())
        await asyncio.wait([unloading], timeout=_UNLOAD_SECONDS)
        if not unloading.done():
            # Nobody waits for what still runs or loads, it cannot be stopped, and Python's own
            # end would wait for its threads.
            log("ended_with_work_running")
            os._exit(0)
        self._runner.close()

    async def _loaded(self, models: Sequence[Model]) -> bool:
        """Waits until every model has a version; False when the server is told to stop before."""
        loading = asyncio.gather(*[self._first_version(model) for model in models])
        ends: list[asyncio.Future[Any]] = [loading, asyncio.ensure_future(self._stop.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        return loading.done() and all(loading.result())

    def _configured(self) -> list[Model]:
        for config in self._settings.models:
            self._roots.trust(config.base_path)
            self._roots.check(config.base_path)
        try:
            return self._catalog.configure(self._settings.models)
        except RequestError as error:
            raise ConfigurationError(error.message) from error

    async def _first_version(self, model: Model) -> bool:
        """Waits until the model has a version; False when the server is told to stop before."""
        await model.refresh()
        if model.serving is None and not model.statuses():
            log(
                "waiting_for_first_version", model=model.name, base_path=str(model.config.base_path)
            )
        while model.serving is None and not self._stop.is_set():
            for status in model.statuses():
                raise DataError(
                    f"version {status.version} of model {model.name} cannot be loaded: "
                    f"{status.error_message.splitlines()[0]}"
                )
            await pause(self._stop, self._settings.poll_wait_s or _FIRST_VERSION_SECONDS)
            await model.refresh()
        return not self._stop.is_set()

    def _rest(self) -> AbstractAsyncContextManager[None]:
        settings = self._settings
        if not settings.rest.port:
            return nullcontext()
        try:
            # Only who wants REST needs its library, and the time to load it.
            from millrace.model_server.rest.api import RestApi  # noqa: PLC0415
            from millrace.model_server.rest.listener import MetricsPage, serving  # noqa: PLC0415
        except ImportError as error:
            raise EnvironmentFault(
                f"REST needs the package {error.name}; install it with: "
                "pip install 'millrace-flink[train]'"
            ) from error
        path = settings.metrics_path
        page = MetricsPage(path, self._observer.page) if path else None
        api = RestApi(self._core, settings.rest.timeout_s)
        return serving(settings.rest, api, self._observer, page)

    async def _listen(self, rest: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        server, port = open_server(self._settings.listening, self._handlers(loop), Turn(loop))
        server.start()
        self._announce(port)
        following = asyncio.gather(*self._following())
        await self._stop.wait()
        log("draining", deadline_s=_DRAIN_SECONDS)
        self._health.drain()
        following.cancel()
        # Both drain at once: the deadline is that of the whole server.
        await asyncio.gather(asyncio.to_thread(server.stop, _DRAIN_SECONDS), rest.aclose())
        with suppress(asyncio.CancelledError):
            await following

    def _handlers(self, loop: asyncio.AbstractEventLoop) -> Mapping[str, Handler]:
        prediction = PredictionService(self._core, self._settings.wire)
        reloader = self._reloader if self._settings.allow_reload else None
        model = ModelService(self._core, reloader, self._observer.value)
        return {
            **handlers(PREDICTION_SERVICE, prediction.methods(), self._observer, loop),
            **handlers(MODEL_SERVICE, model.methods(), self._observer, loop),
            **(self._health.handlers(loop) if self._settings.listening.health else {}),
        }

    def _following(self) -> list[Any]:
        settings, stop = self._settings, self._stop
        following = [follow_base_paths(self._catalog, settings.poll_wait_s, stop)]
        if file := settings.config_file:
            wait_s = settings.config_poll_wait_s
            following.append(
                follow_config_file(file, settings.models, wait_s, self._reloader, stop)
            )
        return following

    def _announce(self, port: int) -> None:
        address = f"{self._settings.listening.bind_address}:{port}"
        for model in self._catalog.models.values():
            version = model.serving.version if model.serving else 0
            log("serving", model=model.name, version=version, address=address)
        print(f"listening on {address}", flush=True)


async def serve(settings: Settings) -> None:
    """Serves until the process is told to stop. Raises what `ModelServer.serve` raises."""
    await ModelServer(settings).serve()
