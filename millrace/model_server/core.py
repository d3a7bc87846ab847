"""What the server can do, apart from how it is asked: gRPC and REST are thin layers over it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from millrace.model_server import classification, multi_inference, predictions, regression
from millrace.model_server.catalog import Catalog
from millrace.model_server.errors import invalid
from millrace.model_server.model_spec import ModelSpec
from millrace.model_server.multi_inference import Task
from millrace.model_server.observer import Observer
from millrace.model_server.running import Runner
from millrace.model_server.servable import Feeds, Signature
from millrace.model_server.served_version import ServedVersion

Sent = TypeVar("Sent")


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to Predict.

    Attributes:
        name: the model, as the request named it.
        version: the version that ran.
        signature: the signature that ran.
        names: output names.
        values: the outputs in that order.
    """

    name: str
    version: int
    signature: str
    names: Sequence[str]
    values: Sequence[NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Inference:
    """The answer to Classify, to Regress, or to one task of MultiInference.

    Attributes:
        name: the model, as the request named it.
        version: the version that ran.
        signature: the signature that ran.
        classes: for each example its classes; None for a regression.
        values: for each example its value; None for a classification.
    """

    name: str
    version: int
    signature: str
    classes: classification.Classes | None = None
    values: regression.Values | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """What is to be run, and for whom: examples go to the tensors named in `fed`."""

    served: ServedVersion
    api: str
    fed: Sequence[str]
    fetches: Sequence[str]
    deadline: float | None


class Core:
    """Predict, Classify, Regress, MultiInference and metadata over the models of a catalog.

    Every method raises RequestError with TensorFlow Serving's status and message. A deadline is
    a time of `time.monotonic()`, None for none.

    Args:
        catalog: the models.
        runner: runs them.
        observer: is told of runs.
    """

    def __init__(self, catalog: Catalog, runner: Runner, observer: Observer) -> None:
        self.catalog = catalog
        self._runner = runner
        self._observer = observer

    def signature(self, spec: ModelSpec) -> Signature:
        """The signature that a Predict request would run."""
        return predictions.signature_of(self.catalog.find(spec).servable.signatures, spec.signature)

    async def predict(
        self,
        spec: ModelSpec,
        inputs: Mapping[str, Sent],
        *,
        read: Callable[[Sent], NDArray[Any]] = np.asarray,
        output_filter: Sequence[str] = (),
        deadline: float | None = None,
    ) -> Prediction:
        """Runs a signature over tensors.

        Args:
            spec: model and signature.
            inputs: inputs by name, in whatever form they came.
            read: makes an array of one once it is known to be wanted; may raise ValueError.
            output_filter: the outputs that are wanted; empty for all.
            deadline: when the caller no longer waits.
        """
        served = self.catalog.find(spec)
        signature = predictions.signature_of(served.servable.signatures, spec.signature)
        asked = predictions.plan(signature, inputs, read, output_filter)
        run = _Run(served, "Predict", (), asked.fetches, deadline)
        values = await self._run(run, asked.feeds)
        return Prediction(spec.name, served.version, spec.signature, asked.outputs, values)

    async def classify(
        self, spec: ModelSpec, examples: Sequence[bytes], deadline: float | None = None
    ) -> Inference:
        """Classifies serialised tf.Examples."""
        served = self.catalog.find(spec)
        signature = _found(served.servable.signatures, spec.signature)
        fed, fetches = classification.tensors(signature)
        values = await self._over(examples, _Run(served, "Classify", [fed], fetches, deadline))
        found = classification.classes(signature, len(examples), values)
        return Inference(spec.name, served.version, spec.signature, classes=found)

    async def regress(
        self, spec: ModelSpec, examples: Sequence[bytes], deadline: float | None = None
    ) -> Inference:
        """Finds a value for each of serialised tf.Examples."""
        served = self.catalog.find(spec)
        signature = _found(served.servable.signatures, spec.signature)
        fed, fetches = regression.tensors(signature)
        values = await self._over(examples, _Run(served, "Regress", [fed], fetches, deadline))
        found = regression.values(signature, len(examples), values)
        return Inference(spec.name, served.version, spec.signature, values=found)

    async def multi_inference(
        self, tasks: Sequence[Task], examples: Sequence[bytes], deadline: float | None = None
    ) -> list[Inference]:
        """Runs several signatures of one model over the same serialised tf.Examples."""
        served = self.catalog.find(tasks[0].spec if tasks else ModelSpec(""))
        signatures = served.servable.signatures
        fed, fetches = multi_inference.tensors(tasks, signatures)
        run = _Run(served, "MultiInference", fed, fetches, deadline)
        values = await self._over(examples, run)
        return [self._result(task, served, len(examples), values) for task in tasks]

    @staticmethod
    def _result(
        task: Task, served: ServedVersion, count: int, values: Mapping[str, NDArray[Any]]
    ) -> Inference:
        spec = task.spec
        signature = served.servable.signatures[spec.signature]
        if task.method_name == regression.METHOD:
            found = regression.values(signature, count, values)
            return Inference(spec.name, served.version, spec.signature, values=found)
        classes = classification.classes(signature, count, values)
        return Inference(spec.name, served.version, spec.signature, classes=classes)

    async def _over(self, examples: Sequence[bytes], run: _Run) -> Mapping[str, NDArray[Any]]:
        if not examples:
            raise invalid("Input is empty.")
        column = np.empty(len(examples), object)
        column[:] = examples
        values = await self._run(run, [(name, column) for name in run.fed])
        self._observer.examples(run.served.name, len(examples))
        return dict(zip(run.fetches, values, strict=True))

    async def _run(self, run: _Run, feeds: Feeds) -> Sequence[NDArray[Any]]:
        start = time.perf_counter()
        values = await self._runner.run(run.served, feeds, run.fetches, run.deadline)
        self._observer.ran(run.served.name, run.api, (time.perf_counter() - start) * 1e6)
        return values


def _found(signatures: Mapping[str, Signature], name: str) -> Signature:
    signature = signatures.get(name)
    if signature is None:
        raise invalid(f"No signature was found with the name: {name}")
    return signature
