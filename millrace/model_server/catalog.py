"""The server's models: which there are, which version a request means, and how that changes."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.labels import new_labels
from millrace.model_server.model_config import ModelConfig
from millrace.model_server.model_spec import ModelSpec
from millrace.model_server.models import LoadRetries, Model
from millrace.model_server.observer import Observer
from millrace.model_server.servable import Platform
from millrace.model_server.served_version import ServedVersion
from udfs.client.outcomes import VersionState, VersionStatus


@dataclass(frozen=True)
class CatalogOptions:
    """How a catalog treats its models.

    Attributes:
        labels_for_unavailable: labels that are not in use may go to versions that are not there.
        retries: how often a failed load is repeated.
        observer: is told of loads.
        warm_ups: times that a version's warm-up requests run; 0 for none.
    """

    labels_for_unavailable: bool = False
    retries: LoadRetries = field(default_factory=LoadRetries)
    observer: Observer = field(default_factory=Observer)
    warm_ups: int = 1


class Catalog:
    """The models by name.

    Args:
        platforms: what runs models, by the name that configurations use.
        options: how models are treated.
    """

    def __init__(
        self, platforms: Mapping[str, Platform], options: CatalogOptions | None = None
    ) -> None:
        self.models: dict[str, Model] = {}
        self.labels: Mapping[str, Mapping[str, int]] = {}
        self._platforms = platforms
        self._options = options or CatalogOptions()
        self._removing: set[asyncio.Task[None]] = set()

    def find(self, spec: ModelSpec) -> ServedVersion:
        """The version that a request means.

        Raises:
            RequestError: there is none, in TensorFlow Serving's words.
        """
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        version = self._labelled(spec) if spec.version_label else spec.version
        model = self.models.get(spec.name)
        if version is None:
            served, wanted = model.serving if model else None, f"Latest({spec.name})"
        else:
            served = model.version(version) if model else None
            wanted = f"Specific({spec.name}, {version})"
        if served is None:
            message = f"Servable not found for request: {wanted}"
            raise RequestError(grpc.StatusCode.NOT_FOUND, message)
        return served

    def _labelled(self, spec: ModelSpec) -> int:
        version = self.labels.get(spec.name, {}).get(spec.version_label)
        if version is None:
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        return version

    def statuses(self, spec: ModelSpec) -> list[VersionStatus]:
        """The states of the model that the request names, or of one version of it.

        Raises:
            RequestError: there is none, in TensorFlow Serving's words.
        """
        model = self.models.get(spec.name)
        found = model.statuses() if model else []
        missing = f"Could not find any versions of model {spec.name}"
        if spec.version is not None:
            found = [status for status in found if status.version == spec.version]
            missing = f"Could not find version {spec.version} of model {spec.name}"
        if not found:
            raise RequestError(grpc.StatusCode.NOT_FOUND, missing)
        return found

    def configure(self, configs: Sequence[ModelConfig]) -> list[Model]:
        """Replaces the list of models; the new ones are returned and still to be loaded.

        Raises:
            RequestError: the configuration is refused, and nothing has changed.
        """
        self._check_platforms(configs)
        labels = new_labels(configs, self._is_available, self.labels, self._options)
        kept = {config.name for config in configs}
        for name in self.models.keys() - kept:
            self._remove(self.models.pop(name))
        new = []
        for config in configs:
            if config.name in self.models:
                self.models[config.name].config = config
            else:
                new.append(self._added(config))
        self.labels = labels
        return new

    def _check_platforms(self, configs: Iterable[ModelConfig]) -> None:
        for config in configs:
            model = self.models.get(config.name)
            if model is not None and model.config.platform != config.platform:
                raise invalid(
                    f"Illegal to change a model's platform. For model {config.name} platform was "
                    f"{model.config.platform} and new platform requested is {config.platform}"
                )
            if config.platform not in self._platforms:
                raise invalid(
                    f"Model {config.name} requests unsupported platform {config.platform}"
                )

    def _is_available(self, name: str, version: int) -> bool:
        model = self.models.get(name)
        return model is not None and model.version(version) is not None

    def _added(self, config: ModelConfig) -> Model:
        options, platform = self._options, self._platforms[config.platform]
        model = Model(config, platform, options.retries, options.observer, options.warm_ups)
        self.models[config.name] = model
        return model

    def _remove(self, model: Model) -> None:
        task = asyncio.get_running_loop().create_task(model.close())
        self._removing.add(task)
        task.add_done_callback(self._removing.discard)

    async def close(self) -> None:
        """Waits for the calls that run, then frees every model."""
        closing = [model.close() for model in self.models.values()]
        await asyncio.gather(*closing, *self._removing)


def unavailable(models: Iterable[Model]) -> str:
    """What keeps models from being available, as TensorFlow Serving tells it; empty when none."""
    reasons = []
    for model in models:
        if model.serving is not None:
            continue
        for status in model.statuses():
            if status.state is VersionState.END and status.error_message:
                code = f"{_code_name(status.error_code)}: {status.error_message}"
                reasons.append(
                    f"{{{{name: {model.name} version: {status.version}}} due to error: {code}}}, "
                )
    if not reasons:
        return ""
    return f"{len(reasons)} model(s) did not become available: {{{''.join(reasons)}}}"


def _code_name(number: int) -> str:
    return next((code.name for code in grpc.StatusCode if code.value[0] == number), "UNKNOWN")
