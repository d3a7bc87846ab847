"""A directory that holds one version of a model, wherever it lies.

saved_model.pb, variables/   a SavedModel, or
model.onnx                   an ONNX graph
assets.extra/                our own files, which TensorFlow Serving does not look into
"""

import hashlib
from pathlib import Path

import msgspec

from millrace.manifest import Manifest, read_manifest
from udfs.errors import DataError

ONNX_GRAPH = "model.onnx"
GRAPH_FILES = {"saved_model.pb": "SavedModel", ONNX_GRAPH: "ONNX"}
"""What a version has one of, and what it is then."""

EXTRA = "assets.extra"
MANIFEST = "manifest.json"
GOLDEN_ROWS = "golden.json"
EVALUATION = "evaluation.npz"
GATE = "gate.json"
_NUMBERED_LATER = {MANIFEST, GATE}
_BLOCK = 1 << 20


def kind_of(folder: Path) -> str | None:
    """`SavedModel` or `ONNX`; None when the directory holds no graph."""
    found = (kind for name, kind in GRAPH_FILES.items() if (folder / name).is_file())
    return next(found, None)


def is_whole(folder: Path) -> bool:
    """Whether the directory holds a graph and a manifest."""
    return kind_of(folder) is not None and (folder / EXTRA / MANIFEST).is_file()


def manifest_at(folder: Path) -> Manifest:
    """The manifest of a version directory.

    Raises:
        DataError: it is no version directory.
    """
    if not folder.is_dir():
        raise DataError(f"there is no directory {folder}")
    if kind_of(folder) is None:
        raise DataError(f"{folder} is no model version: it has neither {' nor '.join(GRAPH_FILES)}")
    file = folder / EXTRA / MANIFEST
    if not file.is_file():
        raise DataError(
            f"{folder} has no {EXTRA}/{MANIFEST}, so nobody knows what it was trained on; "
            "`training.export.export` and `millrace train` write one"
        )
    return read_manifest(file)


def served_bytes(folder: Path) -> int:
    """How large the files are that a model server loads."""
    loaded = (file for file in _files(folder) if folder / EXTRA not in file.parents)
    return sum(file.stat().st_size for file in loaded)


def digest(folder: Path) -> str:
    """SHA-256 of the content, alike before and after a version gets its number.

    Raises:
        DataError: it is no version directory.
    """
    found = hashlib.sha256(
        msgspec.json.encode(msgspec.structs.replace(manifest_at(folder), version=0))
    )
    for file in _files(folder):
        if file.parent == folder / EXTRA and file.name in _NUMBERED_LATER:
            continue
        found.update(f"\n{file.relative_to(folder).as_posix()}\n".encode())
        with file.open("rb") as content:
            while block := content.read(_BLOCK):
                found.update(block)
    return found.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
