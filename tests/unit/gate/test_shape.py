"""A candidate has to take the features that the job computes, and give what it reads."""

from pathlib import Path

import msgspec
import pytest

from millrace.gate import shape
from millrace.manifest import GoldenRows, Manifest, write
from tests.unit.gate.made_up import WIDTH, Told, spec
from tests.unit.registry.version_folders import manifest
from udfs.client.metadata import TensorSpec
from udfs.use_cases.fraud import FRAUD

NAMES = FRAUD.spec.names
FITTING = msgspec.structs.replace(
    manifest(), feature_names=NAMES, feature_spec_hash=FRAUD.spec.hash
)


def changed(**fields: object) -> Manifest:
    return msgspec.structs.replace(FITTING, **fields)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (FITTING, f"{WIDTH} features of spec {FRAUD.spec.hash}"),
        (changed(model_name="loans"), "it is model 'loans' of use case 'fraud', not model 'fraud'"),
        (changed(feature_spec_hash="other"), "it was trained on spec other, and the job computes"),
        (changed(feature_names=(*NAMES[1:], NAMES[0])), "in another order"),
        (
            changed(feature_names=(*NAMES[1:], "mood")),
            f"it takes mood, which the job does not compute; it does not take {NAMES[0]}",
        ),
    ],
    ids=["fits", "model", "hash", "order", "names"],
)
def test_the_manifest_is_held_to_the_feature_spec(found: Manifest, reason: str) -> None:
    check = shape.feature_spec(FRAUD, found)
    assert (check.outcome, reason in check.reason) == (
        "passed" if found is FITTING else "refused",
        True,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, f"features (n, {WIDTH}) float32 -> score, decision"),
        ({"decision": None}, "there is no tensor decision, only score"),
        ({"score": TensorSpec("float64", (-1,))}, "score is float64, not float32"),
        ({"score": TensorSpec("float32", (-1, 1))}, "score has shape (-1, 1), not (-1,)"),
        ({"features": TensorSpec("float32", (-1, 3))}, f"has shape (-1, 3), not (-1, {WIDTH})"),
        ({"features": TensorSpec("float32", (1, WIDTH))}, f"has shape (1, {WIDTH})"),
        ({"features": TensorSpec("float32", None)}, "-> score, decision"),
        ({"context": TensorSpec("int64", (-1,))}, "it wants an input context"),
    ],
    ids=["fits", "missing", "dtype", "rank", "width", "one row", "open rank", "more inputs"],
)
def test_real_tensors_are_held_to_the_signature(
    changes: dict[str, TensorSpec | None], reason: str
) -> None:
    check = shape.signature(FRAUD, Told(spec(**changes)))
    assert reason in check.reason
    assert check.outcome == ("passed" if "->" in reason else "refused")


@pytest.mark.parametrize(
    ("shift", "reason"),
    [(0.0, "2 rows answered as in training"), (1e-4, "score of golden row 1 is 0.7501")],
    ids=["same", "other"],
)
def test_golden_rows_are_asked_again(tmp_path: Path, shift: float, reason: str) -> None:
    features = [[score] + [0.0] * (WIDTH - 1) for score in (0.25, 0.75)]
    golden = GoldenRows(features, {"score": [0.25, 0.75], "decision": [False, True]})
    write(golden, tmp_path / "golden.json")
    check = shape.golden_rows(FRAUD, Told(spec(), shift), tmp_path / "golden.json")
    assert reason in check.reason
    assert check.outcome == ("refused" if shift else "passed")


def test_a_candidate_without_golden_rows_is_refused(tmp_path: Path) -> None:
    check = shape.golden_rows(FRAUD, Told(spec()), tmp_path / "golden.json")
    assert (check.outcome, "cannot be read" in check.reason) == ("refused", True)
