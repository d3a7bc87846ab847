"""A recommendation model, from a generated history to a version that is served as trained."""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from millrace import registry
from millrace.model_server.saved_model import SavedModelSession, SessionThreads
from training.models.fitted import FitOptions
from training.train import Trained, from_generator, train
from udfs.use_cases.recommendation import LENGTH, RECOMMENDATION, TOP

END = datetime(2023, 11, 15, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trained]:
    models_path = tmp_path_factory.mktemp("models")
    source = from_generator(RECOMMENDATION, count=60_000, days=30, seed=5, end=END)
    return models_path, train(RECOMMENDATION, source, models_path, options=FitOptions(1, seed=5))


@pytest.fixture(scope="module")
def session(published: tuple[Path, Trained]) -> Iterator[SavedModelSession]:
    session = SavedModelSession(published[1].path, SessionThreads())
    yield session
    session.close()


def asked(session: SavedModelSession, rows: list[list[int]]) -> dict[str, NDArray[Any]]:
    signature = session.signatures["serving_default"]
    names = list(signature.outputs)
    values = np.array([row + [-1] * (LENGTH - len(row)) for row in rows], np.int64)
    found = session.run(
        [(signature.inputs["session"].name, values)],
        [signature.outputs[name].name for name in names],
    )
    return dict(zip(names, found, strict=True))


def test_the_model_finds_the_next_item_where_the_rule_cannot(
    published: tuple[Path, Trained],
) -> None:
    metrics = published[1].manifest.metrics
    assert metrics["p_at_20"] > 2 * metrics["rule_p_at_20"] > 0
    assert metrics["mrr_at_20"] > metrics["rule_mrr_at_20"] > 0


def test_the_model_server_answers_golden_rows_as_trained(
    published: tuple[Path, Trained], session: SavedModelSession
) -> None:
    golden = registry.golden_rows_of(published[0], "recommendation", 1)
    found = asked(session, [[int(item) for item in row] for row in golden.features])
    assert found["items"].tolist() == golden.outputs["items"]
    assert found["scores"] == pytest.approx(np.array(golden.outputs["scores"]), abs=1e-6)


def test_unknown_items_and_one_click_sessions_are_answered(session: SavedModelSession) -> None:
    found = asked(session, [[10_000], [2**53], []])
    assert {name: values.shape for name, values in found.items()} == {
        "items": (3, TOP),
        "scores": (3, TOP),
    }
    assert (found["items"] >= 0).all()
    assert (np.diff(found["scores"], axis=1) <= 0).all()
    assert found["items"][1].tolist() == found["items"][2].tolist()  # what is popular
