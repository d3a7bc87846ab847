"""Candidates on the way to a published version: real training, real model servers."""

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import typer
from typer.testing import CliRunner

from millrace import registry
from millrace.cli import models as models_command
from millrace.version_directory import EXTRA, kind_of
from tests.integration.scoring import Kafka, options, run, transactions
from tests.unit.model_server.running_server import flags_for, running, wait_until
from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.progress import OnProgress, silent
from training.train import from_generator, train
from udfs.client.outcomes import Answer, Outcome
from udfs.client.predict import PredictionClient
from udfs.errors import ConfigurationError, DataError, UnavailableError
from udfs.use_cases.contract import UseCase
from udfs.use_cases.fraud import FRAUD

END = datetime(2023, 11, 15, tzinfo=timezone.utc)
GOOD, POOR, ONNX = "1", "2", "3"
NAMES = ["feature spec", "size", "signature", "golden rows", "metrics", "calibration", "latency"]
# A busy machine makes no model slow.
PATIENT = ("--max-latency-ms", "5000", "--max-slowdown", "100", "--max-calibration-error", "0.05")

PLACES = {"models": "BASE_PATH", "candidates": "CANDIDATES_PATH"}

Models = Callable[..., tuple[int, dict[str, Any]]]


@dataclass(frozen=True)
class _Made:
    """A data set that is made once and trained on several times."""

    data: Dataset
    description: str = "made once"

    def dataset(self, use_case: UseCase, on_progress: OnProgress) -> Dataset:
        return self.data


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published version, and candidates: one trained alike, one hardly, one as an ONNX graph."""
    place = tmp_path_factory.mktemp("gate")
    source = from_generator(FRAUD, count=60_000, days=40, seed=5, end=END)
    made = _Made(source.dataset(FRAUD, silent))
    for folder, epochs, seed in (("models", 8, 5), ("candidates", 10, 6), ("candidates", 1, 6)):
        train(FRAUD, made, place / folder, options=FitOptions(epochs, seed))
    by_sklearn = replace(FRAUD, fit="training.models.sklearn_classifier:fit")
    train(by_sklearn, made, place / "candidates", options=FitOptions(12, 7))
    return place


@pytest.fixture
def models(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    """Runs `millrace models` with --json over a copy of what was trained."""
    for folder in ("models", "candidates"):
        shutil.copytree(trained / folder, tmp_path / folder)
        monkeypatch.setenv(f"MILLRACE_MODELS__{PLACES[folder]}", str(tmp_path / folder))
    monkeypatch.delenv("MILLRACE_DATA", raising=False)  # the tests' own; settings refuse it
    app = typer.Typer()
    models_command.register(app)

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        result = CliRunner().invoke(app, ["models", *arguments, "--json"])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, json.loads(result.stdout)

    return run


def answering(target: str) -> int:
    """The version of fraud that answers at a server."""

    async def ask() -> Outcome:
        client = PredictionClient(target)
        rows = np.ones((1, len(FRAUD.spec.names)), np.float32)
        outcome = await client.predict("fraud", {"features": rows}, deadline_s=20.0)
        await client.close()
        return outcome

    outcome = asyncio.run(ask())
    assert isinstance(outcome, Answer), outcome
    return outcome.version


def refused(verdict: dict[str, Any]) -> list[str]:
    return [check["name"] for check in verdict["checks"] if check["outcome"] == "refused"]


def test_a_good_candidate_passes_is_published_and_served_by_the_server_that_runs(
    models: Models, tmp_path: Path
) -> None:
    base = tmp_path / "models"
    with running(tmp_path / "log", *flags_for("fraud", base / "fraud")) as server:
        status, verdict = models("gate", "fraud", GOOD, *PATIENT)
        assert (status, [check["name"] for check in verdict["checks"]]) == (0, NAMES)
        assert (verdict["outcome"], verdict["champion"]) == ("passed", "fraud:1")
        status, told = models("publish", "fraud", GOOD, *PATIENT)
        assert (status, told["version"], told["path"]) == (0, 2, str(base / "fraud" / "2"))
        wait_until(lambda: answering(server.target) == 2)
    recorded = registry.verdict_of(base, "fraud", 2)
    assert recorded is not None
    assert (recorded.outcome, len(recorded.checks)) == ("passed", len(NAMES))


def test_scikit_learn_becomes_an_onnx_version_that_follows_a_saved_model_and_scores(
    models: Models, tmp_path: Path, kafka: Kafka
) -> None:
    base = tmp_path / "models"
    flags = flags_for("fraud", base / "fraud", "--model_platform=any")
    with running(tmp_path / "log", *flags) as server:
        assert answering(server.target) == 1
        # Another model, so that it is not held to the same quality; the rest decides.
        status, told = models("publish", "fraud", ONNX, "--max-loss", "0.9", *PATIENT)
        assert (status, refused(told["verdict"])) == (0, [])
        wait_until(lambda: answering(server.target) == 2)
        kafka.send(transactions(200))
        run(options(kafka, tmp_path, use_case="fraud", serving_target=server.target))
    assert kind_of(base / "fraud" / "2") == "ONNX"
    rows = {row.business_id: row.features for row in kafka.features()}
    predictions = kafka.predictions()
    scored = {(row.route, row.model_version) for row in predictions}
    assert (len(predictions), scored) == (200, {("stable", 2)})
    session = onnxruntime.InferenceSession(str(base / "fraud" / "2" / "model.onnx"))
    asked = np.array([rows[row.business_id] for row in predictions], np.float32)
    score, decision = session.run(["score", "decision"], {"features": asked})
    np.testing.assert_allclose([row.output for row in predictions], score, atol=1e-6)
    assert [row.decision for row in predictions] == decision.tolist()


def test_a_poor_candidate_is_refused_with_its_figures_and_not_published(
    models: Models, tmp_path: Path
) -> None:
    status, told = models("publish", "fraud", POOR, *PATIENT)
    assert (status, told["version"], refused(told["verdict"])) == (1, None, ["metrics"])
    figures = told["verdict"]["checks"][NAMES.index("metrics")]["figures"]
    assert figures["average_precision_loss"] > figures["average_precision_chance"] > 0
    assert registry.versions(tmp_path / "models", "fraud") == [1]


def test_without_the_gate_it_is_published_and_says_so(models: Models, tmp_path: Path) -> None:
    status, told = models("publish", "fraud", POOR, "--no-gate", "--version", "9")
    assert (status, told["version"], told["verdict"]["outcome"]) == (0, 9, "skipped")
    assert registry.verdict_of(tmp_path / "models", "fraud", 9) is not None
    with pytest.raises(ConfigurationError, match="was published before, as fraud:9"):
        models("publish", "fraud", POOR, "--no-gate")
    with pytest.raises(ConfigurationError, match="there is a version 9"):
        models("publish", "fraud", GOOD, "--no-gate", "--version", "9")


def test_the_rule_is_the_champion_that_every_model_can_be_held_to(models: Models) -> None:
    status, verdict = models("gate", "fraud", POOR, "--against", "rule", *PATIENT)
    assert (status, verdict["champion"], refused(verdict)) == (0, "rule", [])


def broken_graph(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(b"no graph")


def other_answers(folder: Path) -> None:
    file = folder / EXTRA / "golden.json"
    golden = json.loads(file.read_bytes())
    golden["outputs"]["score"][0] += 0.01
    file.write_text(json.dumps(golden))


def no_rows(folder: Path) -> None:
    (folder / EXTRA / "evaluation.npz").unlink()


def other_features(folder: Path) -> None:
    file = folder / EXTRA / "manifest.json"
    file.write_text(file.read_text().replace(FRAUD.spec.hash, "0123456789abcdef"))


@pytest.mark.parametrize(
    ("damage", "expected", "reason"),
    [
        (broken_graph, ["signature"], "no model server can load it: version 1 of model fraud"),
        (other_answers, ["golden rows"], "the saved model is not the trained one"),
        (no_rows, ["metrics"], "it cannot be judged: "),
        (other_features, ["feature spec"], "it was trained on spec 0123456789abcdef"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_damaged_candidate_is_refused_for_what_is_wrong_with_it(
    models: Models,
    tmp_path: Path,
    damage: Callable[[Path], None],
    expected: Sequence[str],
    reason: str,
) -> None:
    folder = tmp_path / "candidates" / "fraud" / GOOD
    damage(folder)
    status, verdict = models("gate", "fraud", str(folder), *PATIENT)
    reasons = [c["reason"] for c in verdict["checks"] if c["outcome"] == "refused"]
    assert (status, refused(verdict)) == (1, expected)
    assert reason in reasons[0]


def test_a_champion_of_other_features_cannot_be_compared(models: Models, tmp_path: Path) -> None:
    other_features(tmp_path / "models" / "fraud" / "1")
    status, verdict = models("gate", "fraud", GOOD, *PATIENT)
    metrics = verdict["checks"][NAMES.index("metrics")]
    assert (status, refused(verdict)) == (1, ["metrics"])
    assert "fraud:1 takes features of another spec" in metrics["reason"]


def test_a_champion_that_no_server_loads_is_an_error_and_no_verdict(
    models: Models, tmp_path: Path
) -> None:
    broken_graph(tmp_path / "models" / "fraud" / "1")
    with pytest.raises(DataError, match="the champion fraud:1 cannot be asked: no model server"):
        models("gate", "fraud", GOOD, *PATIENT)


def test_a_server_that_runs_already_is_asked(models: Models, tmp_path: Path) -> None:
    flags = flags_for(
        "fraud", tmp_path / "candidates" / "fraud"
    )  # SavedModels: the newest is the poor
    with running(tmp_path / "log", *flags) as server:
        _, verdict = models("gate", "fraud", POOR, "--server", server.target, *PATIENT)
        _, other = models("gate", "fraud", GOOD, "--server", server.target, *PATIENT)
    assert (verdict["server"], refused(verdict)) == (server.target, ["metrics"])
    assert refused(other) == ["signature"]
    with pytest.raises(UnavailableError, match=server.target):
        models("gate", "fraud", POOR, "--server", server.target, *PATIENT)
