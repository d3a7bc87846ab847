"""Writes a new project from the template, whose files are a project that works themselves."""

import keyword
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from udfs.errors import ConfigurationError
from udfs.use_cases.find import use_case_names

_TEMPLATE = Path(__file__).with_name("template")
_NAME, _MILLRACE = "newcase", "@MILLRACE@"
_LONGEST = 40
# Folders of the project itself: one would hide a package of this name, `make clean` removes one.
_OWN = ("tests", "dist")
_RENAMED = {"gitignore": ".gitignore"}
# Of an import of the template, such as a test's.
_LEFT_OUT = ("__pycache__", ".pytest_cache")


def write_project(name: str, folder: Path, millrace: str) -> list[Path]:
    """The files of a new project, written into a folder that is new or empty.

    Args:
        name: of the use case and its package.
        folder: where to.
        millrace: what to install Millrace from: a checkout's folder or a requirement.

    Raises:
        ConfigurationError: the name cannot be used, or the folder cannot.
    """
    check_name(name)
    check_folder(folder)
    try:
        return [_write(path, _target(path, name, folder), name, millrace) for path in _files()]
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error


def check_name(name: str) -> None:
    """Returns when the name can name topics and a Python package, and nothing else has it.

    Raises:
        ConfigurationError: it cannot, or something has it.
    """
    if not re.fullmatch(r"[a-z]([a-z0-9_]*[a-z0-9])?", name) or len(name) > _LONGEST:
        raise ConfigurationError(
            f"{name!r} cannot name a use case: take lower-case letters, digits and inner "
            f"underscores, a letter first, at most {_LONGEST} characters"
        )
    if keyword.iskeyword(name) or name in _OWN:
        raise ConfigurationError(f"{name!r} cannot name a package: the word has a use of its own")
    if name in use_case_names():
        raise ConfigurationError(f"a use case {name!r} is installed already; take another name")
    if find_spec(name) is not None:
        raise ConfigurationError(f"a Python package {name!r} exists already; take another name")


def check_folder(folder: Path) -> None:
    """Returns when the folder does not exist, or is empty.

    Raises:
        ConfigurationError: something is there.
    """
    try:
        if folder.is_dir():
            if any(folder.iterdir()):
                raise ConfigurationError(
                    f"{folder} is not empty; name another folder with --into PATH"
                )
        elif folder.exists() or folder.is_symlink():
            raise ConfigurationError(f"{folder} is no folder; name another one with --into PATH")
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be read: {error.strerror}") from error


def _files() -> Iterator[Path]:
    for path in sorted(_TEMPLATE.rglob("*")):
        if path.is_file() and not set(_LEFT_OUT) & set(path.parts):
            yield path


def _target(path: Path, name: str, folder: Path) -> Path:
    inside = path.relative_to(_TEMPLATE)
    named = inside.with_name(_RENAMED.get(inside.name, inside.name))
    return folder / str(named).replace(_NAME, name)


def _write(source: Path, target: Path, name: str, millrace: str) -> Path:
    text = source.read_text(encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = text.replace(_NAME, name).replace(_MILLRACE, millrace)
    target.write_text(written, encoding="utf-8")
    return target
