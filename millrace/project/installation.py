"""What a new project installs Millrace from."""

import json
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from udfs.errors import ConfigurationError

_DISTRIBUTION = "millrace-flink"
# What a shell or make would read as something else within a Makefile's quotes.
_SPECIAL = set("\"'`$#\\:%\n\r")


def checkout(path: Path) -> str:
    """The folder of a checkout, absolute, as a Makefile can hold it.

    Raises:
        ConfigurationError: it is no checkout of Millrace, or its path has a special character.
    """
    found = path.expanduser().absolute()
    project = found / "pyproject.toml"
    if not project.is_file() or f'name = "{_DISTRIBUTION}"' not in project.read_text("utf-8"):
        raise ConfigurationError(f"{path} is no checkout of Millrace: its pyproject.toml is needed")
    special = sorted(_SPECIAL & set(str(found)))
    if special:
        raise ConfigurationError(
            f"{found} has {special[0]!r} in its path, which a Makefile cannot hold; move or link it"
        )
    return str(found)


def running() -> str:
    """The checkout that this Millrace runs from, or a requirement of its version for the index."""
    installed = distribution(_DISTRIBUTION)
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        return checkout(Path(url2pathname(urlsplit(origin["url"]).path)))
    return f"{_DISTRIBUTION}[train]=={installed.version}"
