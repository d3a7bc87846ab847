"""The models to serve, from flags or from a ModelServerConfig."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from millrace.model_server import wire
from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.text_files import read_text_proto
from millrace.model_server.version_policy import All, Latest, Specific, VersionPolicy
from udfs.errors import ConfigurationError

TENSORFLOW: Final = "tensorflow"
ONNX: Final = "onnxruntime"
ANY: Final = "any"
"""Each version by the platform whose graph it holds."""


@dataclass(frozen=True)
class ModelConfig:
    """A model as TensorFlow Serving's ModelConfig describes it.

    Attributes:
        name: the name that requests use.
        base_path: directory with a directory a version, named by its number; absolute.
        platform: what runs it.
        policy: which versions are served.
        labels: version numbers by label.
    """

    name: str
    base_path: Path
    platform: str = TENSORFLOW
    policy: VersionPolicy = field(default_factory=Latest)
    labels: Mapping[str, int] = field(default_factory=dict)

    def checked(self) -> "ModelConfig":
        """The same configuration, once it is known to be usable.

        Raises:
            ConfigurationError: the name cannot be used or the directory is missing.
        """
        name, base_path = self.name, self.base_path
        if not name or "/" in name or any(character.isspace() for character in name):
            raise ConfigurationError(f"{name!r} is no model name: no blanks, no slash, not empty")
        if not base_path.is_dir():
            raise ConfigurationError(f"the base path {base_path} of model {name} is no directory")
        return self


def configs_of_file(file: Path) -> tuple[ModelConfig, ...]:
    """The models of a file in TensorFlow Serving's text format.

    Raises:
        ConfigurationError: the file cannot be read, or asks for what is not supported.
    """
    message = read_text_proto(file, wire.ModelServerConfig, "ModelServerConfig")
    try:
        found = configs_of(message)
        if not found:
            raise ConfigurationError("it has to name at least one model")
        return tuple(config.checked() for config in found)
    except (ConfigurationError, RequestError) as error:
        raise ConfigurationError(f"{file}: {error}") from error


def configs_of(message: Any) -> tuple[ModelConfig, ...]:
    """The models of a ModelServerConfig.

    Raises:
        RequestError: TensorFlow Serving would refuse it, in its words.
    """
    names: set[str] = set()
    for config in message.model_config_list.config:
        if config.name in names:
            raise invalid(f"Illegal to list model {config.name} multiple times in config list")
        names.add(config.name)
        if not config.base_path.startswith("/"):
            # A URI such as file:///models is none of ours either: models are local directories.
            raise invalid(
                f"Expected model {config.name} to have an absolute path or URI; "
                f"got base_path()={config.base_path}"
            )
        if not config.model_platform:
            raise invalid(
                "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
                f"ModelServerConfig::model_platform, model name is {config.name}"
            )
    return tuple(_config(config) for config in message.model_config_list.config)


def _config(config: Any) -> ModelConfig:
    return ModelConfig(
        config.name,
        Path(config.base_path),
        config.model_platform,
        _policy(config.name, config.model_version_policy),
        dict(config.version_labels),
    )


def _policy(name: str, policy: Any) -> VersionPolicy:
    chosen = [choice for choice in ("latest", "all", "specific") if policy.HasField(choice)]
    if len(chosen) > 1:
        raise invalid(f"model {name} has more than one version policy: {', '.join(chosen)}")
    if chosen == ["all"]:
        return All()
    if chosen == ["specific"]:
        return Specific(frozenset(policy.specific.versions))
    return Latest(max(policy.latest.num_versions, 1))
