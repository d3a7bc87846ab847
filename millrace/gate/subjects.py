"""What is judged, and what it is compared with."""

from dataclasses import dataclass
from pathlib import Path

from millrace import registry
from millrace.manifest import Manifest
from millrace.settings import Settings
from millrace.version_directory import manifest_at
from udfs.errors import ConfigurationError
from udfs.use_cases.contract import UseCase

RULE = "rule"


@dataclass(frozen=True)
class Subject:
    """A version directory.

    Attributes:
        name: as people call it, such as `fraud:3`.
        folder: where it lies.
        manifest: its manifest.
    """

    name: str
    folder: Path
    manifest: Manifest


def candidate(settings: Settings, use_case: UseCase, named: str | None) -> Subject:
    """The candidate of a number or a directory; the newest one that was kept aside when None.

    Raises:
        ConfigurationError: there is none.
        DataError: the directory is no version.
    """
    if named is not None and not named.isdecimal():
        return _at(Path(named))
    base, model_name = settings.candidates_path, use_case.model.model_name
    known = registry.versions(base, model_name)
    number = int(named) if named else max(known, default=None)
    if number is None or number not in known:
        asked = f"candidate {named}" if named else "candidate"
        have = f"there are {', '.join(map(str, known))}; " if known else ""
        raise ConfigurationError(
            f"there is no {asked} of {model_name} under {base}: {have}"
            f"`millrace train {use_case.name} --candidate` makes one, or name a version directory"
        )
    manifest = registry.manifest_of(base, model_name, number)
    folder = registry.version_path(base, model_name, number)
    return Subject(f"candidate {number}", folder, manifest)


def champion(settings: Settings, use_case: UseCase, named: str | None) -> Subject | None:
    """The champion of a number or a directory, the newest published version when None.

    None stands for the use case's rule: it answers as long as no version is published.

    Raises:
        ConfigurationError: there is no such version.
        DataError: the directory is no version.
    """
    if named == RULE:
        return None
    if named is not None and not named.isdecimal():
        return _at(Path(named))
    base, model_name = settings.models_path, use_case.model.model_name
    if named is None and not registry.versions(base, model_name):
        return None
    manifest = registry.manifest_of(base, model_name, int(named) if named else None)
    folder = registry.version_path(base, model_name, manifest.version)
    return Subject(f"{model_name}:{manifest.version}", folder, manifest)


def _at(folder: Path) -> Subject:
    folder = folder.expanduser().absolute()
    return Subject(str(folder), folder, manifest_at(folder))
