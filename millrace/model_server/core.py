"""What the server can do, apart from how it is asked: gRPC and REST are thin layers over it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from millrace.model_server import classification, multi_inference, predictions, regression
from millrace.model_server.catalog import Catalog
from millrace.model_server.errors import invalid
from millrace.model_server.model_spec import ModelSpec
from millrace.model_server.multi_inference import Task
from millrace.model_server.observer import Observer
from millrace.model_server.running import Runner, Values, Work, awaited
from millrace.model_server.servable import Feeds, Signature
from millrace.model_server.served_version import ServedVersion


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


@dataclass(frozen=True, slots=True)
class _Ends:
    """Who hears of a run's values, and of why there are none."""

    answered: Callable[[Values], None]
    failed: Callable[[Exception], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """A Predict request.

    Attributes:
        spec: model and signature.
        inputs: inputs by name, in whatever form they came.
        read: makes an array of one once it is known to be wanted; may raise ValueError.
        output_filter: the outputs that are wanted; empty for all.
        deadline: when the caller no longer waits.
    """

    spec: ModelSpec
    inputs: Mapping[str, Any]
    read: Callable[[Any], NDArray[Any]] = np.asarray
    output_filter: Sequence[str] = ()
    deadline: float | None = None


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
        self, spec: ModelSpec, inputs: Mapping[str, Any], *, deadline: float | None = None
    ) -> Prediction:
        """Runs a signature over arrays, or what numpy makes arrays of, by input name."""
        asked = Asked(spec, inputs, deadline=deadline)
        return await awaited(partial(self.start_predict, asked))

    def start_predict(self, asked: Asked, done: Callable[[Prediction | Exception], None]) -> Work:
        """Runs a signature over tensors.

        Args:
            asked: the request.
            done: takes the answer, or why there is none; once, from any thread.

        Raises:
            RequestError: the request is refused, and `done` is not called.
        """
        # A version may go between being found and being held: another one is there then.
        while True:
            if work := self._tried(asked, done):
                return work

    def _tried(self, asked: Asked, done: Callable[[Prediction | Exception], None]) -> Work | None:
        spec = asked.spec
        served = self.catalog.find(spec)
        signature = predictions.signature_of(served.servable.signatures, spec.signature)
        plan = predictions.plan(signature, asked.inputs, asked.read, asked.output_filter)

        def answer(values: Values) -> None:
            done(Prediction(spec.name, served.version, spec.signature, plan.outputs, values))

        run = _Run(served, "Predict", (), plan.fetches, asked.deadline)
        return self._start(run, plan.feeds, _Ends(answer, done))

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

    async def _run(self, run: _Run, feeds: Feeds) -> Values:
        def start(done: Callable[[Values | Exception], None]) -> Work:
            work = self._start(run, feeds, _Ends(done, done))
            if work is None:
                # Nothing unloads a version between two steps of the event loop.
                raise AssertionError("a version left while the loop held still")
            return work

        return await awaited(start)

    def _start(self, run: _Run, feeds: Feeds, ends: _Ends) -> Work | None:
        """Submits a run, or does nothing where its version is going."""
        served, start = run.served, time.perf_counter()

        def done(outcome: Values | Exception) -> None:
            try:
                if isinstance(outcome, Exception):
                    ends.failed(outcome)
                else:
                    took = (time.perf_counter() - start) * 1e6
                    self._observer.ran(served.name, run.api, took)
                    ends.answered(outcome)
            finally:
                served.release()

        if not served.acquire():
            return None
        work = Work(served, feeds, run.fetches, done, run.deadline)
        try:
            self._runner.submit(work)
        except BaseException:
            served.release()
            raise
        return work


def _found(signatures: Mapping[str, Signature], name: str) -> Signature:
    signature = signatures.get(name)
    if signature is None:
        raise invalid(f"No signature was found with the name: {name}")
    return signature
