"""A trained model becomes a published version: SavedModel, manifest, golden rows and report."""

import platform
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from millrace.manifest import Data, GoldenRows, Manifest, Signature
from millrace.registry import publish
from millrace.version_directory import EVALUATION, EXTRA
from training import warmup
from training.dataset import Dataset
from training.evaluation_set import write_evaluation_set
from training.golden import check_saved_model
from training.models.fitted import FittedModel
from training.report.page import Section, render
from udfs.use_cases.contract import ModelSignature, UseCase

_GOLDEN_ROWS = 32
REPORT = "report.html"
"""Name of the report beside the manifest."""


def export(
    base: Path,
    use_case: UseCase,
    model: FittedModel,
    *,
    data: Data,
    metrics: dict[str, float],
    test: Dataset,
    seed: int,
    sections: Sequence[Section] = (),
) -> Manifest:
    """Publishes the model as the next version under `base`.

    Before that it is loaded again and asked for the golden rows.

    Args:
        base: the models' base path.
        use_case: whose model it is.
        model: the trained model.
        data: what it was trained and tested on.
        metrics: results on the test part.
        test: rows that the golden rows are taken from; they are kept beside the model, to compare
            later ones by.
        seed: of the training.
        sections: of the report.

    Returns:
        The manifest as published, with its version.

    Raises:
        DataError: the saved model does not answer as the trained one.
    """
    signature = use_case.model
    manifest = Manifest(
        model_name=signature.model_name,
        version=0,
        use_case=use_case.name,
        feature_spec_hash=use_case.spec.hash,
        feature_names=use_case.spec.names,
        signature=Signature(
            name=signature.signature_name,
            input=signature.input_name,
            outputs=tuple(output.tensor for output in signature.outputs),
        ),
        decision_threshold=_as_served(model.threshold),
        data=data,
        metrics=metrics,
        seed=seed,
        library_versions={
            "python": platform.python_version(),
            "numpy": np.__version__,
            "msgspec": msgspec.__version__,
            **model.library_versions,
        },
        created_ms=time.time_ns() // 1_000_000,
    )
    golden = golden_rows(model, signature, test)

    def save(folder: Path) -> None:
        model.save(folder)
        check_saved_model(folder, signature, golden)
        extra = folder / EXTRA
        extra.mkdir(exist_ok=True)
        rows = np.array(golden.features, signature.input_dtype)
        warmup.write_warm_up(extra / warmup.FILE, signature, rows)
        write_evaluation_set(extra / EVALUATION, test)
        (extra / REPORT).write_text(render(manifest, sections), "utf-8")

    return publish(base, manifest, golden, save)


def golden_rows(model: FittedModel, signature: ModelSignature, test: Dataset) -> GoldenRows:
    """Rows spread evenly over the first output of the test part, and what the model gives."""
    features = test.features.astype(signature.input_dtype)
    first = np.asarray(model.outputs(features)[signature.outputs[0].tensor])
    by_output = np.argsort(first.reshape(len(features), -1)[:, 0], kind="stable")
    places = by_output[np.linspace(0, len(by_output) - 1, _GOLDEN_ROWS).round().astype(int)]
    rows = features[places]
    outputs = {name: values.tolist() for name, values in model.outputs(rows).items()}
    return GoldenRows(rows.tolist(), outputs)


def _as_served(threshold: float | None) -> float | None:
    """The threshold as float32, which is what the graph compares with."""
    return None if threshold is None else float(np.float32(threshold))
