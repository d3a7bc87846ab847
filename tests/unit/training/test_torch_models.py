"""PyTorch behind the training protocol, where it is installed (the extra `torch`).

Nothing here is collected without it, so that nothing is called skipped.
"""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np

from tests.unit.training.life_data import life_data
from tests.unit.training.test_onnx_models import (
    beyond_its_limits,
    fitted,
    served,
    yes_or_no,
)
from training.evaluate import average_precision
from training.export import golden_rows
from training.golden import check_saved_model
from training.models.fitted import FitOptions
from training.progress import silent
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.maintenance import LONGEST_LIFE, MAINTENANCE, REMAINING_LIFE

if find_spec("torch"):
    from training.models.torch_classifier import fit as fit_classifier
    from training.models.torch_regressor import fit

    def test_what_torch_trained_is_served_as_it_answered_in_training(tmp_path: Path) -> None:
        free = replace(MAINTENANCE.model, outputs=(replace(REMAINING_LIFE, limits=None),))
        model = fitted(fit, free, epochs=30)
        given = model.outputs(life_data(3).features.astype(np.float32))[REMAINING_LIFE.tensor]
        answer = served(tmp_path, model)
        np.testing.assert_allclose(answer.outputs[REMAINING_LIFE.tensor], given, rtol=1e-4)
        assert "torch" in model.library_versions
        lives = life_data(3).labels
        assert np.sqrt(np.mean(np.square(given - lives))) < 0.9 * np.std(lives)

    def test_labels_beyond_the_limits_of_the_output_are_learnt_as_the_nearer_one() -> None:
        known, far = beyond_its_limits(fit)
        np.testing.assert_allclose(far, known, rtol=1e-4)
        assert 0 <= known.min() < known.max() <= LONGEST_LIFE

    def test_a_torch_classifier_is_saved_as_it_answered_and_its_manifest_can_be_written(
        tmp_path: Path,
    ) -> None:
        parts = yes_or_no(1), yes_or_no(2)
        model = fit_classifier(*parts, FRAUD.model, FitOptions(20, seed=1), silent)
        test = yes_or_no(3)
        model.save(tmp_path)
        golden = golden_rows(model, FRAUD.model, test)
        check_saved_model(tmp_path, FRAUD.model, golden)
        scores = model.outputs(test.features.astype(np.float32))["score"]
        assert set(golden.outputs["decision"]) == {True, False}
        assert average_precision(test.labels, scores) > 2 * float(np.mean(test.labels))
        assert b"torch" in msgspec.json.encode(model.library_versions)
