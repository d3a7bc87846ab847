"""The file of --monitoring_config_file."""

from pathlib import Path
from typing import Final

from millrace.model_server import wire
from millrace.model_server.text_files import read_text_proto
from udfs.errors import ConfigurationError

PATH: Final = "/monitoring/prometheus/metrics"


def metrics_path(file: Path | None) -> str | None:
    """The path of the metrics page; None when there is none.

    Args:
        file: a text-format MonitoringConfig; None when there is none.

    Raises:
        ConfigurationError: the file cannot be used.
    """
    if file is None:
        return None
    config = read_text_proto(file, wire.MonitoringConfig, "MonitoringConfig").prometheus_config
    if not config.enable:
        return None
    path: str = config.path or PATH
    if not path.startswith("/"):
        raise ConfigurationError(f"{file}: the path {path!r} has to begin with a slash")
    return path
