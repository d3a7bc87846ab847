"""MultiInference: several signatures of one model over the same examples, in one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import grpc

from millrace.model_server import classification, regression
from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.model_spec import ModelSpec
from millrace.model_server.servable import Signature

_KINDS: Mapping[str, ModuleType] = {
    classification.METHOD: classification,
    regression.METHOD: regression,
}


@dataclass(frozen=True)
class Task:
    """One inference of several.

    Attributes:
        spec: model and signature.
        method_name: which kind of inference it is.
    """

    spec: ModelSpec
    method_name: str


def tensors(
    tasks: Sequence[Task], signatures: Mapping[str, Signature]
) -> tuple[list[str], list[str]]:
    """The tensors that take the examples, and those that are fetched, each once and in order.

    Raises:
        RequestError: the tasks cannot be run together, in TensorFlow Serving's words.
    """
    seen: set[str] = set()
    fed: set[str] = set()
    fetched: set[str] = set()
    for task in tasks:
        name = _checked(task, tasks, seen, signatures)
        kind = _KINDS.get(task.method_name)
        if kind is None:
            message = f"Unsupported signature method_name: {task.method_name}"
            raise RequestError(grpc.StatusCode.UNIMPLEMENTED, message)
        examples, outputs = kind.tensors(signatures[name])
        fed.add(examples)
        fetched.update(outputs)
    return sorted(fed), sorted(fetched)


def _checked(
    task: Task, tasks: Sequence[Task], seen: set[str], signatures: Mapping[str, Signature]
) -> str:
    if not task.spec.name:
        raise invalid("Found ModelSpec with an empty model name.")
    if task.spec.name != tasks[0].spec.name:
        raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
    name = task.spec.signature
    if name in seen:
        raise invalid(f"Duplicate evaluation of signature: {name}")
    seen.add(name)
    if name not in signatures:
        raise invalid(f"Requested signature not found in model graph: {name}")
    return name
