"""Reads settings: defaults, the running local stack, `millrace.toml`, the environment."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from millrace.settings.groups import ENVIRONMENT_PREFIX, Settings, StackSettings
from millrace.settings.known import known_settings, suggestion, variable_of
from udfs.errors import ConfigurationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG_VARIABLE = "MILLRACE_CONFIG"
DEFAULT_FILE = Path("millrace.toml")
ADDRESSES_FILE = "addresses.json"
"""Written into the state directory by `millrace up`: settings that its free ports decided."""

Tree = dict[str, Any]


def load(path: Path | None = None) -> Settings:
    """The settings, checked.

    Later ones win: defaults, the addresses of the local stack while it is up, the file, the
    environment (`MILLRACE_SCORE__PARALLELISM=4`).

    Args:
        path: the file; `MILLRACE_CONFIG` or `./millrace.toml` when None.

    Raises:
        ConfigurationError: a file that was named is missing or not TOML, a setting is unknown or
            its value has a wrong type or range.
    """
    file = _file(path)
    text = _read(file) if file else ""
    tree = _parse(file, text) if file else {}
    _refuse_unknown_in_file(tree, file, text)
    _refuse_unknown_in_environment()
    merged = _merged(_addresses(tree), tree)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise ConfigurationError(_sentence(error, file, text)) from None
    except SettingsError:
        # The only setting that is not a plain value; its text may hold a secret.
        variable = variable_of("kafka.properties")
        raise ConfigurationError(
            f"{variable} in the environment has to be one JSON object of texts"
        ) from None


def _file(path: Path | None) -> Path | None:
    """The file to read; None when none was named and the usual one does not exist."""
    named = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if named is None:
        return DEFAULT_FILE if DEFAULT_FILE.exists() else None
    return named


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"cannot read the settings file {file}: {reason}") from error


def _parse(file: Path, text: str) -> Tree:
    try:
        tree: Tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
    return tree


def _refuse_unknown_in_file(tree: Tree, file: Path | None, text: str) -> None:
    known = [setting.name for setting in known_settings()]
    groups = list(Settings.model_fields)
    for group, content in tree.items():
        if group not in groups:
            _refuse(group, f"{file}{_line(text, group)}", groups)
        if not isinstance(content, dict):
            raise ConfigurationError(f"{group} in {file}{_line(text, group)} has to be a table")
        for key in content:
            if f"{group}.{key}" not in known:
                _refuse(f"{group}.{key}", f"{file}{_line(text, group, key)}", known)


def _refuse_unknown_in_environment() -> None:
    known = [setting.variable for setting in known_settings()]
    for variable in sorted(os.environ):
        if variable.upper().startswith(ENVIRONMENT_PREFIX) and variable.upper() != CONFIG_VARIABLE:
            if variable.upper() not in known:
                _refuse(variable, "the environment", known)


def _refuse(name: str, place: str, known: list[str]) -> None:
    raise ConfigurationError(f"unknown setting {name} in {place}; {suggestion(name, known)}")


def _addresses(tree: Tree) -> Tree:
    """What the running local stack says about its ports; empty when none runs."""
    configured = tree.get("stack", {}).get("state_dir", StackSettings().state_dir)
    state_dir = os.environ.get(variable_of("stack.state_dir"), configured)
    try:
        content = (Path(str(state_dir)) / ADDRESSES_FILE).read_text()
    except OSError:
        return {}
    found: Tree = json.loads(content)
    return found


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Tree:
    groups = {*below, *above}
    return {group: {**below.get(group, {}), **above.get(group, {})} for group in sorted(groups)}


def _sentence(error: ValidationError, file: Path | None, text: str) -> str:
    """The first problem as one sentence with its place; the value is left out if it is secret."""
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"][:2])
    variable = variable_of(name)
    if variable in {key.upper() for key in os.environ}:
        place = f"the environment variable {variable}"
    else:
        group, _, key = name.partition(".")
        place = f"{file}{_line(text, group, key)}"
    shown = "" if name == "kafka.properties" else f" (it is {first['input']!r})"
    reason = first["msg"][0].lower() + first["msg"][1:]
    return f"{name} in {place} is wrong: {reason}{shown}"


def _line(text: str, group: str, key: str = "") -> str:
    """`:line` of a group's header or of a key in it, empty when the text does not show it."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#")[0].strip()
        if bare.startswith("["):
            current = bare.strip("[] ")
            if current == (f"{group}.{key}" if key else group):
                return f":{number}"
        elif bare.partition("=")[0].strip() in ({key} if current == group else {group}):
            return f":{number}"
    return ""
