"""Whether a candidate takes and gives what the use case does."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from millrace.gate.served import Served
from millrace.manifest import Manifest, read_golden_rows
from millrace.verdict import PASSED, REFUSED, Check
from training.golden import TOLERANCE, check
from udfs.client.metadata import TensorSpec
from udfs.errors import DataError
from udfs.use_cases.contract import UseCase

FEATURE_SPEC, SIGNATURE, GOLDEN = "feature spec", "signature", "golden rows"


def feature_spec(use_case: UseCase, manifest: Manifest) -> Check:
    """The manifest against the features that the job computes."""
    model, spec = use_case.model, use_case.spec
    if (manifest.use_case, manifest.model_name) != (use_case.name, model.model_name):
        return Check(
            FEATURE_SPEC,
            REFUSED,
            f"it is model {manifest.model_name!r} of use case {manifest.use_case!r}, not model "
            f"{model.model_name!r} of {use_case.name!r}",
        )
    if manifest.feature_names != spec.names:
        return Check(FEATURE_SPEC, REFUSED, _difference(manifest.feature_names, spec.names))
    if manifest.feature_spec_hash != spec.hash:
        return Check(
            FEATURE_SPEC,
            REFUSED,
            f"it was trained on spec {manifest.feature_spec_hash}, and the job computes "
            f"{spec.hash}: the same names, by other windows or keys",
        )
    return Check(FEATURE_SPEC, PASSED, f"{len(spec.names)} features of spec {spec.hash}")


def _difference(own: tuple[str, ...], computed: tuple[str, ...]) -> str:
    unknown = sorted(set(own) - set(computed))
    missing = sorted(set(computed) - set(own))
    if not unknown and not missing:
        return "it takes the features in another order than the job computes them"
    told = [f"it takes {', '.join(unknown)}, which the job does not compute"] if unknown else []
    told += [f"it does not take {', '.join(missing)}"] if missing else []
    return "; ".join(told)


def signature(use_case: UseCase, served: Served) -> Check:
    """The tensors that the server runs the model with against those that the job sends."""
    model, width = use_case.model, len(use_case.spec.names)
    found = served.signature()
    wrong = [
        _unlike(model.input_name, found.inputs, model.input_dtype, (2, width)),
        *(_unlike(each.tensor, found.outputs, each.dtype, each.shape(2)) for each in model.outputs),
        *(f"it wants an input {name}" for name in sorted({*found.inputs} - {model.input_name})),
    ]
    reasons = [text for text in wrong if text]
    if reasons:
        return Check(SIGNATURE, REFUSED, "; ".join(reasons))
    given = ", ".join(output.tensor for output in model.outputs)
    taken = f"{model.input_name} (n, {width}) {model.input_dtype}"
    return Check(SIGNATURE, PASSED, f"{taken} -> {given}")


def _unlike(
    name: str, tensors: Mapping[str, TensorSpec], dtype: str, shape: tuple[int, ...]
) -> str | None:
    """What is wrong with a tensor for two rows; None when nothing is."""
    found = tensors.get(name)
    if found is None:
        return f"there is no tensor {name}, only {', '.join(sorted(tensors)) or 'none'}"
    if found.dtype != dtype:
        return f"{name} is {found.dtype}, not {dtype}"
    if not found.takes(shape):
        return f"{name} has shape {found.shape}, not {(-1, *shape[1:])}"
    return None


def golden_rows(use_case: UseCase, served: Served, file: Path) -> Check:
    """What the server answers for golden rows against what the trained model did."""
    try:
        golden = read_golden_rows(file)
        rows = np.array(golden.features, use_case.model.input_dtype)
        check(use_case.model, golden, served.outputs(rows))
    except DataError as error:
        return Check(GOLDEN, REFUSED, str(error))
    return Check(GOLDEN, PASSED, f"{len(rows)} rows answered as in training, to {TOLERANCE:g}")
