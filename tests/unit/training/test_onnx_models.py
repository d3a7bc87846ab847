"""scikit-learn behind the training protocol: exported to ONNX, served by the same API."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from millrace.version_directory import ONNX_GRAPH
from tests.unit.model_server.running_server import flags_for, running
from tests.unit.training.life_data import life_data, rows
from training.dataset import Dataset
from training.evaluate import average_precision
from training.export import golden_rows
from training.golden import check_saved_model
from training.models.fitted import Fit, FitOptions, FittedModel
from training.models.onnx_model import OnnxModel
from training.models.sklearn_classifier import fit as fit_classifier
from training.models.sklearn_regressor import fit as fit_sklearn
from training.progress import silent
from training.targets import learnt
from udfs.client.outcomes import Answer, Outcome
from udfs.client.predict import PredictionClient
from udfs.errors import DataError, UseCaseError
from udfs.use_cases.contract import ModelSignature
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.maintenance import LONGEST_LIFE, MAINTENANCE, REMAINING_LIFE

DEADLINE_S = 20.0
SIGNATURE = MAINTENANCE.model


def fitted(fit: Fit, signature: ModelSignature = SIGNATURE, epochs: int = 6) -> FittedModel:
    return fit(life_data(1), life_data(2), signature, FitOptions(epochs, seed=1), silent)


def served(folder: Path, model: FittedModel) -> Answer:
    """What a server says to the rows of `life_data(3)`."""
    model.save(folder / "models" / "1")
    flags = flags_for("maintenance", folder / "models", "--model_platform=onnxruntime")
    rows = life_data(3).features.astype(np.float32)

    async def ask(target: str) -> Outcome:
        client = PredictionClient(target)
        try:
            inputs = {SIGNATURE.input_name: rows}
            return await client.predict("maintenance", inputs, deadline_s=DEADLINE_S)
        finally:
            await client.close()

    with running(folder / "log", *flags) as process:
        answer = asyncio.run(ask(process.target))
    assert isinstance(answer, Answer), answer
    return answer


def off_by(given: NDArray[np.float32]) -> float:
    """Root mean squared error, capped, on the rows that are served."""
    return float(np.sqrt(np.mean(np.square(given - learnt(life_data(3), SIGNATURE).labels))))


def stretched(seed: int) -> Dataset:
    """`life_data` in which all that the use case never answers lies far beyond."""
    part = life_data(seed)
    return replace(part, labels=np.where(part.labels > LONGEST_LIFE, 1_000, part.labels))


def beyond_its_limits(fit: Fit) -> list[NDArray[np.float32]]:
    """Answers of a model that learnt `life_data`, and of one that learnt it stretched."""
    rows = life_data(3).features.astype(np.float32)
    return [
        fit(data(1), data(2), SIGNATURE, FitOptions(6, seed=1), silent).outputs(rows)[
            REMAINING_LIFE.tensor
        ]
        for data in (life_data, stretched)
    ]


@pytest.fixture(scope="module")
def by_sklearn() -> FittedModel:
    return fitted(fit_sklearn)


def test_what_scikit_learn_trained_is_served_as_it_answered_in_training(
    by_sklearn: FittedModel, tmp_path: Path
) -> None:
    given = by_sklearn.outputs(life_data(3).features.astype(np.float32))[REMAINING_LIFE.tensor]
    answer = served(tmp_path, by_sklearn)
    assert given.shape == (len(life_data(3)),)
    np.testing.assert_allclose(answer.outputs[REMAINING_LIFE.tensor], given, rtol=1e-5)
    assert off_by(given) < 15


def test_labels_beyond_the_limits_of_the_output_are_learnt_as_the_nearer_one() -> None:
    known, far = beyond_its_limits(fit_sklearn)
    np.testing.assert_array_equal(far, known)
    assert 0 <= known.min() < known.max() == LONGEST_LIFE
    free = ModelSignature("free", outputs=(replace(REMAINING_LIFE, limits=None),))
    assert learnt(stretched(1), free).labels.max() == 1_000


def test_a_version_holds_one_graph_and_the_manifest_names_the_libraries(
    by_sklearn: FittedModel, tmp_path: Path
) -> None:
    by_sklearn.save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [ONNX_GRAPH]
    assert isinstance(by_sklearn, OnnxModel)
    assert {"scikit-learn", "skl2onnx", "onnx"} <= by_sklearn.library_versions.keys()
    assert by_sklearn.threshold is None


def test_a_use_case_of_another_kind_is_refused_in_a_sentence() -> None:
    with pytest.raises(UseCaseError, match="'fraud' gives 2 outputs of float32"):
        fitted(fit_sklearn, FRAUD.model)
    whole = replace(SIGNATURE, outputs=(replace(REMAINING_LIFE, dtype="int64"),))
    with pytest.raises(UseCaseError, match="1 outputs of int64"):
        fitted(fit_sklearn, whole)


def yes_or_no(seed: int, count: int = 4_000) -> Dataset:
    """Labels that a step and a bend of the first two columns make likely."""
    features = rows(count, seed, len(FRAUD.spec.names))
    chances = np.where(features[:, 0] > 0.5, 0.8, 0.1) * (features[:, 1] ** 2 < 1)
    labels = np.random.default_rng(seed).random(count) < chances
    numbers = np.arange(count)
    return Dataset(features.astype(np.float64), labels, numbers, numbers // 100, numbers)


@pytest.fixture(scope="module")
def classifier() -> FittedModel:
    parts = yes_or_no(1), yes_or_no(2)
    return fit_classifier(*parts, FRAUD.model, FitOptions(10, seed=1), silent)


def test_a_classifier_gives_score_and_decision_as_the_use_case_declares(
    classifier: FittedModel, tmp_path: Path
) -> None:
    test = yes_or_no(3)
    given = classifier.outputs(test.features.astype(np.float32))
    assert classifier.threshold is not None
    assert given["score"].shape == given["decision"].shape == (len(test),)
    np.testing.assert_array_equal(
        given["decision"], given["score"] >= np.float32(classifier.threshold)
    )
    assert average_precision(test.labels, given["score"]) > 3 * float(np.mean(test.labels))


def test_what_a_classifier_saved_answers_golden_rows_as_trained_and_nothing_else_does(
    classifier: FittedModel, tmp_path: Path
) -> None:
    classifier.save(tmp_path)
    golden = golden_rows(classifier, FRAUD.model, yes_or_no(3))
    check_saved_model(tmp_path, FRAUD.model, golden)
    assert set(golden.outputs["decision"]) == {True, False}
    other = msgspec.structs.replace(
        golden, outputs={**golden.outputs, "score": [0.5] * len(golden.features)}
    )
    with pytest.raises(DataError, match="is not the trained one: score of golden row"):
        check_saved_model(tmp_path, FRAUD.model, other)


def test_a_classifier_is_no_training_for_numbers_or_for_labels_of_one_kind() -> None:
    part = yes_or_no(1)
    none = replace(part, labels=part.labels & False)
    with pytest.raises(UseCaseError, match="'maintenance' gives remaining_life; this training"):
        fit_classifier(part, part, MAINTENANCE.model, FitOptions(1, 1), silent)
    with pytest.raises(DataError, match="the validation part has 0 positives"):
        fit_classifier(part, none, FRAUD.model, FitOptions(1, 1), silent)
