"""The models to serve, from flags or from a text-format ModelServerConfig."""

from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format

from millrace.model_server.wire import ModelServerConfig
from udfs.errors import ConfigurationError


@dataclass(frozen=True)
class ModelConfig:
    """A model's name and the directory that holds its versions."""

    name: str
    base_path: Path

    @classmethod
    def of(cls, name: str, base_path: str) -> "ModelConfig":
        """A checked configuration.

        Raises:
            ConfigurationError: the name cannot be used or the directory is missing.
        """
        if not name or "/" in name or any(character.isspace() for character in name):
            raise ConfigurationError(f"{name!r} is no model name: no blanks, no slash, not empty")
        if not Path(base_path).is_dir():
            raise ConfigurationError(f"the base path {base_path} of model {name} is no directory")
        return cls(name, Path(base_path).absolute())


def model_configs(file: Path) -> tuple[ModelConfig, ...]:
    """The models of a file in TensorFlow Serving's text format.

    Raises:
        ConfigurationError: the file cannot be read, or asks for what is not supported.
    """
    try:
        config = text_format.Parse(file.read_text(), ModelServerConfig())
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is no ModelServerConfig: {error}") from error
    found = config.model_config_list.config
    for model in found:
        if model.model_platform not in {"", "tensorflow"}:
            raise ConfigurationError(f"{file}: platform {model.model_platform!r} is not supported")
    names = [model.name for model in found]
    if not names or len(set(names)) != len(names):
        raise ConfigurationError(f"{file} has to name at least one model, and each only once")
    return tuple(ModelConfig.of(model.name, model.base_path) for model in found)
