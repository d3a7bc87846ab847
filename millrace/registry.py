"""Model versions under a base path, laid out as TensorFlow Serving reads them.

    <base>/<model name>/<version>/, see `millrace.version_directory`

A version is written beside its place under a name that is no number, and renamed when it is
whole: no reader ever sees a part of it.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from millrace.manifest import GoldenRows, Manifest, read_golden_rows, read_manifest, write
from millrace.verdict import Verdict, read_verdict, write_verdict
from millrace.version_directory import (
    EXTRA,
    GATE,
    GOLDEN_ROWS,
    MANIFEST,
    digest,
    is_whole,
    manifest_at,
)
from udfs.errors import ConfigurationError, DataError, EnvironmentFault
from udfs.nearest import did_you_mean

_STAGING = ".staging-"


def model_names(base: Path) -> list[str]:
    """Names of the models that have a whole version, sorted."""
    folders = base.iterdir() if base.is_dir() else ()
    return sorted(folder.name for folder in folders if versions(base, folder.name))


def versions(base: Path, model_name: str) -> list[int]:
    """The whole versions of a model, ascending; what is half-written is none of them."""
    return sorted(number for number, folder in _numbered(base / model_name) if is_whole(folder))


def version_path(base: Path, model_name: str, version: int) -> Path:
    """The directory of a version."""
    return base / model_name / str(version)


def manifest_of(base: Path, model_name: str, version: int | None = None) -> Manifest:
    """The manifest of a version; of the newest one when `version` is None.

    Raises:
        ConfigurationError: there is no such version.
        DataError: the manifest cannot be read, or belongs to another version.
    """
    known = versions(base, model_name) if Path(model_name).name == model_name else []
    if not known:
        raise ConfigurationError(f"no model {model_name!r} under {base}: {_hint(base, model_name)}")
    wanted = known[-1] if version is None else version
    if wanted not in known:
        raise ConfigurationError(
            f"no model version {version} of {model_name} under {base}: "
            f"versions are {', '.join(map(str, known))}"
        )
    file = version_path(base, model_name, wanted) / EXTRA / MANIFEST
    manifest = read_manifest(file)
    if (manifest.model_name, manifest.version) != (model_name, wanted):
        raise DataError(f"{file} is the manifest of {manifest.model_name}:{manifest.version}")
    return manifest


def _hint(base: Path, model_name: str) -> str:
    names = model_names(base)
    there_are = f"there are {', '.join(names)}" if names else "there is none yet"
    return did_you_mean(model_name, names, quoted=True) or there_are


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
    with _staging(home) as staging:
        save(staging)
        (staging / EXTRA).mkdir(exist_ok=True)
        write(golden, staging / EXTRA / GOLDEN_ROWS)
        return _take_number(home, staging, manifest)


def publish_copy(
    base: Path, folder: Path, verdict: Verdict, *, version: int | None = None
) -> Manifest:
    """Publishes a copy of a version directory, whole or not at all, with the verdict beside it.

    Args:
        base: the models' base path; made when it is missing.
        folder: the directory that was judged; it stays as it is.
        verdict: of the gate; its digest has to be that of what is published.
        version: a number of one's own choice; the next free one when None.

    Returns:
        The manifest as published.

    Raises:
        ConfigurationError: there is such a version, or this one was published before.
        DataError: the directory is no version, or has changed since it was judged.
        EnvironmentFault: the base path cannot be written.
    """
    manifest = manifest_at(folder)
    home = base / manifest.model_name
    require_new(base, manifest, version)
    with _staging(home) as staging:
        _copy(folder, staging)
        if digest(staging) != verdict.digest:
            raise DataError(f"{folder} has changed since it was judged; judge it again")
        write_verdict(verdict, staging / EXTRA / GATE)
        return _take_number(home, staging, manifest, version)


def require_new(base: Path, manifest: Manifest, version: int | None = None) -> None:
    """Returns when a candidate can be published, under this number if one is given.

    Raises:
        ConfigurationError: there is such a version, or this one was published before.
    """
    name = manifest.model_name
    if version is not None and (base / name / str(version)).exists():
        raise ConfigurationError(f"there is a version {version} of {name} already")
    if (twin := published_as(base, manifest)) is not None:
        raise ConfigurationError(f"this candidate was published before, as {name}:{twin}")


def published_as(base: Path, manifest: Manifest) -> int | None:
    """The version that has this manifest but for the number; None when there is none."""
    for version in reversed(versions(base, manifest.model_name)):
        known = manifest_of(base, manifest.model_name, version)
        if msgspec.structs.replace(known, version=manifest.version) == manifest:
            return version
    return None


def verdict_of(base: Path, model_name: str, version: int) -> Verdict | None:
    """What the gate found of a version; None when training published it by itself.

    Raises:
        DataError: the verdict cannot be read.
    """
    file = version_path(base, model_name, version) / EXTRA / GATE
    return read_verdict(file) if file.is_file() else None


@contextmanager
def _staging(home: Path) -> Iterator[Path]:
    """A directory beside the versions that no reader takes for one; it goes if it is not renamed.

    Raises:
        EnvironmentFault: there is no writing there.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=home))
    except OSError as error:
        raise EnvironmentFault(f"{home} cannot be written: {error.strerror}") from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _copy(folder: Path, staging: Path) -> None:
    try:
        shutil.copytree(folder, staging, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise EnvironmentFault(f"{folder} cannot be copied to {staging.parent}: {error}") from error


def _take_number(
    home: Path, staging: Path, manifest: Manifest, version: int | None = None
) -> Manifest:
    """Renames the staging directory to a number; another writer may take the next one first."""
    staging.chmod(0o755)  # mkdtemp keeps others out, and the model server may be another user
    while True:
        number = version or max((number for number, _ in _numbered(home)), default=0) + 1
        numbered = msgspec.structs.replace(manifest, version=number)
        write(numbered, staging / EXTRA / MANIFEST)
        _sync(staging)
        try:
            staging.rename(home / str(number))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if version is not None:
                taken = f"somebody else has just published version {version}"
                raise ConfigurationError(f"{taken} of {manifest.model_name}") from error
            continue
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
