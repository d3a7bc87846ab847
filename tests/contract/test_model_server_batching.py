"""Batching by a parameters file, on a real server.

Expectations are from tensorflow/serving at 9d981c5, `batching/batching_session.cc`, and
TensorFlow 2.20, `core/kernels/batching_util/shared_batch_scheduler.h`.
"""

import asyncio
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import flags_for, running
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome
from udfs.client.predict import PredictionClient

DEADLINE_S = 20.0
CALLERS = 40
PARAMETERS = (
    "max_batch_size { value: 32 } batch_timeout_micros { value: 20000 }\n"
    "num_batch_threads { value: 2 } allowed_batch_sizes: 8 allowed_batch_sizes: 32\n"
)


async def asked(target: str, *features: NDArray[np.float32]) -> list[Outcome]:
    """What calls at the same time end as."""
    client = PredictionClient(target)
    calls = [
        client.predict("fraud", {"features": each}, deadline_s=DEADLINE_S) for each in features
    ]
    outcomes = list(await asyncio.gather(*calls))
    await client.close()
    return outcomes


def test_calls_that_run_together_get_their_own_rows(tmp_path: Path) -> None:
    saved_models.publish(saved_models.fraud(), tmp_path / "fraud", "1")
    file = tmp_path / "batching.config"
    file.write_text(PARAMETERS)
    flags = ("--enable_batching", f"--batching_parameters_file={file}")
    chance = np.random.default_rng(5)
    rows = [
        chance.random((1 + number % 3, saved_models.FEATURES), np.float32) - 0.5
        for number in range(CALLERS)
    ]
    wrong = np.ones((2, 3), np.float32)
    large = np.ones((33, saved_models.FEATURES), np.float32)
    with running(tmp_path / "log", *flags_for("fraud", tmp_path / "fraud", *flags)) as server:
        *answers, misfit, too_large = asyncio.run(asked(server.target, *rows, wrong, large))
    for answer, features in zip(answers, rows, strict=True):
        assert isinstance(answer, Answer), answer
        expected = saved_models.expected_scores(features, bias=0.0)
        np.testing.assert_allclose(answer.outputs["score"], expected, rtol=1e-5)
    # One that does not fit the others fails alone.
    assert isinstance(misfit, Failure)
    assert isinstance(too_large, Failure)
    assert (misfit.reason, too_large.reason) == (FailureReason.INVALID_REQUEST,) * 2
    assert too_large.message.endswith("Task size 33 is larger than maximum input batch size 32")
