"""What a model version says about itself: where it came from, what it takes, how good it is."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from udfs.errors import DataError


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signature that serving calls, and the names of its tensors."""

    name: str
    input: str
    outputs: tuple[str, ...]


class DataRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The records of one part of the data: event times in [start_ms, end_ms), and how many.

    `positives` counts yes labels; None where labels are no yes or no.
    """

    start_ms: int
    end_ms: int
    rows: int
    positives: int | None


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the version was trained and tested on; `source` tells how to make it again."""

    source: str
    train: DataRange
    validation: DataRange
    test: DataRange


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is known about one version of a model. It never changes once published.

    Attributes:
        model_name: as the model server knows it.
        version: as the model server knows it; names the directory.
        use_case: whose features the model takes.
        feature_spec_hash: hash of the spec that made the features it was trained on.
        feature_names: the features in the order of the input's columns.
        signature: what serving calls.
        decision_threshold: scores from here on are decided as true, if any are decided so.
        data: what it was trained and tested on.
        metrics: results on the test part, by name.
        seed: of everything random in the training.
        library_versions: of what trained it.
        created_ms: when, UTC milliseconds.
    """

    model_name: str
    version: int
    use_case: str
    feature_spec_hash: str
    feature_names: tuple[str, ...]
    signature: Signature
    decision_threshold: float | None
    data: Data
    metrics: dict[str, float]
    seed: int
    library_versions: dict[str, str]
    created_ms: int


class GoldenRows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Inputs and what the model gave for them before it was saved.

    `features` holds n rows as the model takes them, `outputs` n entries by output tensor.
    """

    features: list[list[float]]
    outputs: dict[str, list[Any]]


def read_manifest(file: Path) -> Manifest:
    """The manifest in a JSON file.

    Raises:
        DataError: there is no such file, or it is no manifest.
    """
    return _read(file, Manifest)


def read_golden_rows(file: Path) -> GoldenRows:
    """The golden rows in a JSON file.

    Raises:
        DataError: there is no such file, or it holds no golden rows.
    """
    return _read(file, GoldenRows)


def write(value: Manifest | GoldenRows, file: Path) -> None:
    """Writes the value as readable JSON."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


_Value = TypeVar("_Value", Manifest, GoldenRows)


def _read(file: Path, kind: type[_Value]) -> _Value:
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is no {kind.__name__}: {error}") from error
