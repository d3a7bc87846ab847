"""PyTorch behind the training protocol, where it is installed (the extra `torch`).

Nothing here is collected without it, so that nothing is called skipped.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tests.unit.training.life_data import life_data
from tests.unit.training.test_onnx_models import fitted, off_by, served
from udfs.use_cases.maintenance import REMAINING_LIFE

if find_spec("torch"):
    from training.models.torch_regressor import fit

    def test_what_torch_trained_is_served_as_it_answered_in_training(tmp_path: Path) -> None:
        model = fitted(fit, epochs=30)
        given = model.outputs(life_data(3).features.astype(np.float32))[REMAINING_LIFE.tensor]
        answer = served(tmp_path, model)
        np.testing.assert_allclose(answer.outputs[REMAINING_LIFE.tensor], given, rtol=1e-4)
        assert "torch" in model.library_versions
        assert off_by(given) < 0.9 * float(life_data(3).labels.std())
