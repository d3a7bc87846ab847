"""Training, from records to a version that TensorFlow loads and that answers as it was trained.

With `MILLRACE_DATA` set to the folder of the data sets, the handbook's own figures are checked.
"""

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from benchmarks.parity_oracle import handbook_oracle
from millrace import registry
from millrace.cli import models as models_command
from millrace.cli import train as train_command
from millrace.manifest import GoldenRows, Manifest
from millrace.model_server.saved_model import SavedModelSession, SessionThreads
from millrace.model_server.warmup import warm_up
from millrace.sources import handbook
from tests.unit.model_server.running_server import flags_for, running
from training.dataset import build
from training.golden import check_saved_model
from training.models.fitted import FitOptions
from training.split import split_before, without_known_positives
from training.train import Trained, from_generator, train
from udfs.client.outcomes import Answer, Outcome
from udfs.client.predict import PredictionClient
from udfs.errors import DataError, MillraceError
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_records import Transaction

END = datetime(2023, 11, 15, tzinfo=timezone.utc)
DATA = os.environ.get("MILLRACE_DATA")


def trained(models_path: Path, *, seed: int = 5) -> Trained:
    source = from_generator(FRAUD, count=60_000, days=40, seed=seed, end=END)
    return train(FRAUD, source, models_path, options=FitOptions(epochs=8, seed=seed))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Trained]]:
    models_path = tmp_path_factory.mktemp("models")
    yield models_path, trained(models_path)


def test_a_version_is_published_with_its_manifest(published: tuple[Path, Trained]) -> None:
    models_path, result = published
    manifest = registry.manifest_of(models_path, "fraud", 1)
    assert result.path == models_path / "fraud" / "1"
    assert manifest == result.manifest
    assert (manifest.feature_spec_hash, manifest.feature_names) == (
        FRAUD.spec.hash,
        FRAUD.spec.names,
    )
    assert manifest.data.train.end_ms == manifest.data.validation.start_ms
    assert manifest.data.test.start_ms - manifest.data.validation.end_ms == 7 * 86_400_000
    assert {"numpy", "tensorflow", "scikit-learn"} <= manifest.library_versions.keys()


def test_the_model_ranks_frauds_far_above_chance(published: tuple[Path, Trained]) -> None:
    metrics, test = published[1].manifest.metrics, published[1].manifest.data.test
    assert metrics["average_precision"] > 10 * (test.positives or test.rows) / test.rows
    assert metrics["decision_precision"] > 0.3


def test_the_saved_model_answers_golden_rows_as_trained(published: tuple[Path, Trained]) -> None:
    import tensorflow as tf  # noqa: PLC0415

    models_path, result = published
    golden = registry.golden_rows_of(models_path, "fraud", 1)
    signature = tf.saved_model.load(str(result.path)).signatures["serving_default"]
    answer = signature(features=tf.constant(golden.features, tf.float32))
    assert {name: tensor.dtype for name, tensor in answer.items()} == {
        "score": tf.float32,
        "decision": tf.bool,
    }
    assert np.abs(answer["score"].numpy() - np.array(golden.outputs["score"])).max() <= 1e-6
    assert answer["decision"].numpy().tolist() == golden.outputs["decision"]
    assert set(golden.outputs["decision"]) == {True, False}


def test_the_model_server_answers_golden_rows_as_trained(published: tuple[Path, Trained]) -> None:
    models_path, result = published
    golden = registry.golden_rows_of(models_path, "fraud", 1)
    session = SavedModelSession(result.path, SessionThreads())
    signature = session.signatures["serving_default"]
    rows = np.array(golden.features, np.float32)
    fetches = [signature.outputs[name].name for name in ("score", "decision")]
    score, decision = session.run([(signature.inputs["features"].name, rows)], fetches)
    session.close()
    assert np.abs(score - np.array(golden.outputs["score"])).max() <= 1e-6
    assert decision.tolist() == golden.outputs["decision"]


def test_a_model_server_process_answers_golden_rows_as_trained(
    published: tuple[Path, Trained], tmp_path: Path
) -> None:
    models_path, _ = published
    golden = registry.golden_rows_of(models_path, "fraud", 1)
    rows = np.array(golden.features, np.float32)

    async def served(target: str) -> Outcome:
        client = PredictionClient(target)
        outcome = await client.predict("fraud", {"features": rows}, deadline_s=20.0)
        await client.close()
        return outcome

    with running(tmp_path / "log", *flags_for("fraud", models_path / "fraud")) as server:
        outcome = asyncio.run(served(server.target))
    assert isinstance(outcome, Answer), outcome
    score = outcome.outputs["score"]
    assert np.abs(score - np.array(golden.outputs["score"])).max() <= 1e-6
    assert outcome.outputs["decision"].tolist() == golden.outputs["decision"]


def test_warm_up_requests_run_before_a_version_is_available(
    published: tuple[Path, Trained],
) -> None:
    path = published[1].path
    session = SavedModelSession(path, SessionThreads())
    assert warm_up(session, path, iterations=1) == 3
    session.close()


def test_a_report_lies_beside_the_manifest(published: tuple[Path, Trained]) -> None:
    _, result = published
    page = result.report.read_text()
    assert result.report == result.path / "assets.extra" / "report.html"
    assert f"{result.manifest.metrics['average_precision']:.4f}" in page
    assert {"<h2>Ranking</h2>", "<h2>Slices</h2>"} <= set(re.findall("<h2>.*?</h2>", page))


def test_a_saved_model_that_is_not_the_trained_one_is_refused(
    published: tuple[Path, Trained],
) -> None:
    models_path, result = published
    golden = registry.golden_rows_of(models_path, "fraud", 1)
    check_saved_model(result.path, FRAUD.model, golden)
    scores = [golden.outputs["score"][0] + 1e-5, *golden.outputs["score"][1:]]
    other = GoldenRows(golden.features, {**golden.outputs, "score": scores})
    with pytest.raises(DataError, match="score of golden row 0"):
        check_saved_model(result.path, FRAUD.model, other)


def test_the_threshold_in_the_graph_is_the_manifests(published: tuple[Path, Trained]) -> None:
    models_path, result = published
    golden = registry.golden_rows_of(models_path, "fraud", 1)
    threshold = result.manifest.decision_threshold
    assert threshold is not None
    assert [score >= threshold for score in golden.outputs["score"]] == golden.outputs["decision"]


def test_the_same_seed_makes_the_same_model(
    published: tuple[Path, Trained], tmp_path: Path
) -> None:
    again = trained(tmp_path)
    assert again.manifest.metrics == pytest.approx(published[1].manifest.metrics, rel=1e-3)
    assert again.manifest.data == published[1].manifest.data


def test_a_history_without_fraud_to_learn_from_is_refused(tmp_path: Path) -> None:
    source = from_generator(FRAUD, count=200, days=40, seed=1, end=END)
    with pytest.raises(DataError, match="0 positives in"):
        train(FRAUD, source, tmp_path, options=FitOptions(epochs=1, seed=1))
    assert registry.model_names(tmp_path) == []


@pytest.mark.needs_data
def test_features_equal_the_handbooks_and_so_does_its_split() -> None:
    folder = Path(str(DATA))
    oracle = handbook_oracle(folder, FRAUD.spec.names)
    labels = {t.transaction_id: fraud for t, fraud in handbook.labelled(folder)}
    ordered: Iterator[Transaction] = oracle.in_its_order(handbook.transactions(folder))
    data = build(FRAUD, ((t, labels[t.transaction_id]) for t in ordered))
    assert oracle.equal(data.business_ids, data.features).sum() == 201_295

    end_ms = int(datetime(2018, 8, 15, tzinfo=timezone.utc).timestamp() * 1_000)
    delay = timedelta(days=7)
    split = split_before(end_ms, start_ms=0, label_delay=delay, train_days=7)
    known = split.known.of(data)
    tested = without_known_positives(data, split.test.of(data), split.known, delay)
    counts = [known.sum(), data.labels[known].sum(), tested.sum(), data.labels[tested].sum()]
    assert counts == [67_240, 598, 58_264, 385]


@pytest.fixture
def command(published: tuple[Path, Trained], monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The commands of this issue, on the models that were published."""
    monkeypatch.setenv("MILLRACE_MODELS__BASE_PATH", str(published[0]))
    monkeypatch.delenv("MILLRACE_DATA", raising=False)  # the tests' own; settings refuse it
    app = typer.Typer()
    for module in (models_command, train_command):
        module.register(app)
    return app


def test_models_are_listed_and_shown(command: typer.Typer, published: tuple[Path, Trained]) -> None:
    expected = msgspec.to_builtins(published[1].manifest)
    listed = CliRunner().invoke(command, ["models", "list", "--json"])
    shown = CliRunner().invoke(command, ["models", "show", "fraud:1", "--json"])
    read = [msgspec.json.decode(result.stdout) for result in (listed, shown)]
    assert read == msgspec.json.decode(msgspec.json.encode([[expected], expected]))


@pytest.mark.parametrize("arguments", [["list"], ["show", "fraud"]], ids=" ".join)
def test_models_are_printed_for_people(command: typer.Typer, arguments: list[str]) -> None:
    result = CliRunner().invoke(command, ["models", *arguments])
    assert (result.exit_code, "fraud" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models", "show", "fraud:9"], "no model version 9 of fraud"),
        (["models", "show", "fraud:new"], "NAME or NAME:VERSION"),
        (["train", "fraud", "--data", "/nowhere"], "no transactions.csv.gz"),
        (["train", "fraud", "--archive", "/nowhere"], "there is no archive of fraud"),
        (["train", "fruad"], "did you mean 'fraud'"),
        (["train", "fraud", "--days", "3", "--count", "100"], "the data spans"),
    ],
    ids=["version", "no number", "folder", "archive", "use case", "days"],
)
def test_what_cannot_be_done_is_one_of_our_errors(
    command: typer.Typer, arguments: list[str], message: str
) -> None:
    error = CliRunner().invoke(command, arguments).exception
    assert isinstance(error, MillraceError)
    assert message in str(error)


def test_the_train_command_publishes_and_prints_json(
    command: typer.Typer, published: tuple[Path, Trained]
) -> None:
    until = "2023-11-15T12:00:00"
    arguments = ["--count", "30000", "--days", "30", "--until", until, "--epochs", "1", "--json"]
    result = CliRunner().invoke(command, ["train", "fraud", *arguments])
    told = msgspec.json.decode(result.stdout)
    source = f"generator seed=1 count=30000 days=30 until={until}"
    assert told["manifest"]["data"]["source"] == source
    assert told["path"] == str(published[0] / "fraud" / "2")
    assert msgspec.convert(told["manifest"], Manifest) == registry.manifest_of(
        published[0], "fraud", 2
    )
