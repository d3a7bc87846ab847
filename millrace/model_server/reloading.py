"""Replacing the list of models while the server runs."""

import asyncio
from collections.abc import Sequence

import grpc

from millrace.model_server.catalog import Catalog, unavailable
from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.events import log
from millrace.model_server.model_config import ModelConfig
from millrace.model_server.models import Model
from millrace.model_server.roots import Roots
from udfs.errors import ConfigurationError

_LOOK_AGAIN_SECONDS = 0.25


class Reloader:
    """Applies new configurations, one at a time.

    Args:
        catalog: the models.
        roots: where models may lie.
    """

    def __init__(self, catalog: Catalog, roots: Roots) -> None:
        self._catalog = catalog
        self._roots = roots
        self._applying = asyncio.Lock()

    async def apply(self, configs: Sequence[ModelConfig], *, trusted: bool = False) -> None:
        """Replaces the list of models; returns once the new ones are available.

        Models that are not named go, as TensorFlow Serving does it. What is refused changes
        nothing.

        Args:
            configs: every model that is to be served.
            trusted: the operator wrote it, so its base paths may be roots, and nobody waits for
                the first version of a model that has none yet.

        Raises:
            RequestError: the configuration is refused, or a new model cannot be loaded.
        """
        async with self._applying:
            for config in configs:
                if trusted:
                    self._roots.trust(config.base_path)
                try:
                    self._roots.check(config.base_path)
                except ConfigurationError as error:
                    raise invalid(f"model {config.name}: {error}") from error
            new = self._catalog.configure(configs)
            log("configured", models=len(configs), new=len(new))
            await asyncio.gather(*[model.refresh() for model in self._catalog.models.values()])
        if not trusted:
            await asyncio.gather(*[self._tried(model) for model in new])
        reason = unavailable(new)
        if reason:
            raise RequestError(grpc.StatusCode.UNKNOWN, reason)

    async def _tried(self, model: Model) -> None:
        # An empty base path is no failure: TensorFlow Serving waits for a first version too.
        while model.serving is None and not model.statuses():
            if self._catalog.models.get(model.name) is not model:
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            await model.refresh()
