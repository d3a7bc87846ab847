"""Model versions under a base path, laid out as TensorFlow Serving reads them.

    <base>/<model name>/<version>/saved_model.pb, variables/, assets.extra/

Our own files lie in `assets.extra/`, which TensorFlow Serving does not look into. A version is
written beside its place under a name that is no number, and renamed when it is whole: no reader
ever sees a part of it.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from millrace.manifest import GoldenRows, Manifest, read_golden_rows, read_manifest, write
from udfs.errors import ConfigurationError, DataError, EnvironmentFault

SAVED_MODEL = "saved_model.pb"
EXTRA = "assets.extra"
MANIFEST = "manifest.json"
GOLDEN_ROWS = "golden.json"
_STAGING = ".staging-"


def model_names(base: Path) -> list[str]:
    """Names of the models that have a whole version, sorted."""
    folders = base.iterdir() if base.is_dir() else ()
    return sorted(folder.name for folder in folders if versions(base, folder.name))


def versions(base: Path, model_name: str) -> list[int]:
    """The whole versions of a model, ascending; what is half-written is none of them."""
    return sorted(
        number
        for number, folder in _numbered(base / model_name)
        if (folder / SAVED_MODEL).is_file() and (folder / EXTRA / MANIFEST).is_file()
    )


def version_path(base: Path, model_name: str, version: int) -> Path:
    """The directory of a version."""
    return base / model_name / str(version)


def manifest_of(base: Path, model_name: str, version: int | None = None) -> Manifest:
    """The manifest of a version; of the newest one when `version` is None.

    Raises:
        ConfigurationError: there is no such version.
        DataError: the manifest cannot be read, or belongs to another version.
    """
    known = versions(base, model_name)
    wanted = version if version is not None else max(known, default=None)
    if wanted is None or wanted not in known:
        asked = model_name if version is None else f"version {version} of {model_name}"
        have = f"versions are {', '.join(map(str, known))}" if known else "it has no version"
        raise ConfigurationError(f"no model {asked} under {base}: {have}")
    file = version_path(base, model_name, wanted) / EXTRA / MANIFEST
    manifest = read_manifest(file)
    if (manifest.model_name, manifest.version) != (model_name, wanted):
        raise DataError(f"{file} is the manifest of {manifest.model_name}:{manifest.version}")
    return manifest


def golden_rows_of(base: Path, model_name: str, version: int) -> GoldenRows:
    """The golden rows of a version.

    Raises:
        DataError: there are none.
    """
    return read_golden_rows(version_path(base, model_name, version) / EXTRA / GOLDEN_ROWS)


def publish(
    base: Path, manifest: Manifest, golden: GoldenRows, save: Callable[[Path], None]
) -> Manifest:
    """Publishes a version under the next free number, whole or not at all.

    Args:
        base: the models' base path; made when it is missing.
        manifest: its `version` is replaced by the number that was free.
        golden: golden rows.
        save: writes the SavedModel into the directory it is given.

    Returns:
        The manifest as published.

    Raises:
        EnvironmentFault: the base path cannot be written.
    """
    home = base / manifest.model_name
    try:
        home.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=home))
    except OSError as error:
        raise EnvironmentFault(f"{home} cannot be written: {error.strerror}") from error
    try:
        save(staging)
        (staging / EXTRA).mkdir(exist_ok=True)
        write(golden, staging / EXTRA / GOLDEN_ROWS)
        return _take_number(home, staging, manifest)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _take_number(home: Path, staging: Path, manifest: Manifest) -> Manifest:
    """Renames the staging directory to the next number; another writer may take one first."""
    staging.chmod(0o755)  # mkdtemp keeps others out, and the model server may be another user
    while True:
        version = max((number for number, _ in _numbered(home)), default=0) + 1
        numbered = msgspec.structs.replace(manifest, version=version)
        write(numbered, staging / EXTRA / MANIFEST)
        _sync(staging)
        try:
            staging.rename(home / str(version))
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                continue
            raise
        _sync_one(home)
        return numbered


def _numbered(home: Path) -> Iterator[tuple[int, Path]]:
    """Directories named by a positive number, whole or not."""
    for folder in home.iterdir() if home.is_dir() else ():
        name = folder.name
        if name.isascii() and name.isdigit() and str(int(name)) == name and folder.is_dir():
            yield int(name), folder


def _sync(folder: Path) -> None:
    """Puts everything under the folder on disk, so that no crash leaves a renamed hollow."""
    for path in (*folder.rglob("*"), folder):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
