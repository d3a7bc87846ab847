"""Small version directories and manifests for tests of what is done with them."""

from pathlib import Path

from millrace import registry
from millrace.manifest import Data, DataRange, GoldenRows, Manifest, Signature
from millrace.verdict import Verdict
from millrace.version_directory import digest

CANDIDATE_SEED = 8
GOLDEN = GoldenRows(features=[[1.5, 0.25]], outputs={"score": [0.75], "decision": [True]})


def manifest(version: int = 0, model_name: str = "fraud", seed: int = 7) -> Manifest:
    part = DataRange(start_ms=1, end_ms=2, rows=3, positives=1)
    return Manifest(
        model_name=model_name,
        version=version,
        use_case="fraud",
        feature_spec_hash="0123456789abcdef",
        feature_names=("amount", "night"),
        signature=Signature("serving_default", "features", ("score", "decision")),
        decision_threshold=0.1 + 0.2,
        data=Data("generator", part, part, part),
        metrics={"auc_roc": 0.9},
        seed=seed,
        library_versions={"numpy": "2"},
        created_ms=1_700_000_000_000,
    )


def save(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables").mkdir()
    (folder / "variables" / "variables.index").write_bytes(b"index")


def save_onnx(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"an ONNX graph")


def publish(base: Path, model_name: str = "fraud") -> Manifest:
    return registry.publish(base, manifest(model_name=model_name), GOLDEN, save)


def candidate(base: Path) -> Path:
    """A candidate of its own kind under a base path: a directory that holds an ONNX graph."""
    made = registry.publish(base, manifest(seed=CANDIDATE_SEED), GOLDEN, save_onnx)
    return registry.version_path(base, made.model_name, made.version)


def passed(folder: Path) -> Verdict:
    return Verdict("passed", "fraud", str(folder), digest(folder), champion="fraud:1")
