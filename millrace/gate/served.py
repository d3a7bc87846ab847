"""A version behind a real server."""

import asyncio
import shutil
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from millrace.stack.model_server import ModelServer
from udfs.client.metadata import SignatureSpec
from udfs.client.options import ClientOptions
from udfs.client.outcomes import Failure, FailureReason, Outcome
from udfs.client.predict import PredictionClient
from udfs.client.validate import checked, not_finite
from udfs.errors import (
    ConfigurationError,
    DataError,
    EnvironmentFault,
    MillraceError,
    UnavailableError,
)
from udfs.use_cases.contract import ModelSignature

Outputs = dict[str, NDArray[Any]]
_CALL_ROWS = 1_024
_DEADLINE_S = 30.0
_START_DEADLINE_S = 120.0
_NOT_LET_IN = {
    FailureReason.NOT_TRUSTED,
    FailureReason.NOT_PERMITTED,
    FailureReason.NOT_A_MODEL_SERVER,
}
_T = TypeVar("_T")


class Served:
    """A version behind a server, to be asked from one thread.

    Args:
        target: the server, `host:port`.
        model: name and tensors of the model.
        version: which one of the model.
        options: of the client.
    """

    def __init__(
        self,
        target: str,
        model: ModelSignature,
        version: int,
        options: ClientOptions | None = None,
    ) -> None:
        self._model = model
        self._version = version
        self._client = PredictionClient(target, options)
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Closes the connection."""
        self._run(self._client.close())
        self._loop.close()

    def signature(self) -> SignatureSpec:
        """What the server says that the model takes and gives.

        Raises:
            ConfigurationError: the server is not trusted, or does not let the client in.
            DataError: the server does not have this version or signature.
            UnavailableError: it does not answer.
        """
        found = self._run(
            self._client.model_signatures(
                self._model.model_name, deadline_s=_DEADLINE_S, version=self._version
            )
        )
        if isinstance(found, Failure):
            raise _error(found)
        name = self._model.signature_name
        if name not in found:
            raise DataError(f"it has no signature {name!r}; there are {', '.join(sorted(found))}")
        return found[name]

    def outputs(self, features: NDArray[Any]) -> Outputs:
        """The outputs by tensor for feature rows (n, f), checked.

        Raises:
            DataError: they are not what the use case declares, or not finite.
            UnavailableError: the server does not answer.
        """
        parts = [
            self._checked(self.call(features[start : start + _CALL_ROWS]), start)
            for start in range(0, len(features), _CALL_ROWS)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def call(self, features: NDArray[Any]) -> tuple[Outcome, int]:
        """What one call for feature rows ends as, and how many rows it had."""
        inputs = {self._model.input_name: features.astype(self._model.input_dtype, copy=False)}
        asked = self._client.predict(
            self._model.model_name,
            inputs,
            deadline_s=_DEADLINE_S,
            signature_name=self._model.signature_name,
            version=self._version,
        )
        return self._run(asked), len(features)

    def _checked(self, called: tuple[Outcome, int], start: int) -> Outputs:
        outcome, rows = called
        if isinstance(outcome, Failure):
            raise _error(outcome)
        found: Outputs = {}
        for output in self._model.outputs:
            array = checked(outcome, output.tensor, output.shape(rows), output.dtype)
            if isinstance(array, Failure):
                raise _error(array)
            bad = not_finite(array)
            if bad is not None:
                row = start + int(bad.argmax())
                raise DataError(f"{output.tensor} of row {row} is not finite")
            found[output.tensor] = array
        return found

    def _run(self, asked: Awaitable[_T]) -> _T:
        return self._loop.run_until_complete(asked)


@contextmanager
def on_server(
    target: str, model: ModelSignature, version: int, options: ClientOptions | None = None
) -> Iterator[Served]:
    """A version that a server serves already."""
    served = Served(target, model, version, options)
    try:
        yield served
    finally:
        served.close()


@contextmanager
def on_server_of_its_own(folder: Path, model: ModelSignature) -> Iterator[Served]:
    """A version directory behind a model server on a free port, as long as the block lasts.

    Raises:
        DataError: no server can load it.
    """
    with TemporaryDirectory(prefix="millrace-gate-") as place:
        base = Path(place) / "models"
        shutil.copytree(folder, base / model.model_name / "1")
        server = ModelServer(Path(place), model_name=model.model_name, base_path=base)
        with server:
            try:
                server.wait_until_serving(_START_DEADLINE_S)
            except EnvironmentFault as error:
                reason = server.process.reason() if server.process else str(error)
                raise DataError(f"no model server can load it: {_plain(reason)}") from error
            with on_server(server.target, model, version=1) as served:
                yield served


def _error(failure: Failure) -> MillraceError:
    """What a failed call says: only a `DataError` says something about the candidate."""
    if failure.reason in _NOT_LET_IN:
        return ConfigurationError(failure.message)
    kind = UnavailableError if failure.retryable else DataError
    return kind(failure.message)


def _plain(reason: str) -> str:
    return reason.removeprefix("millrace model-server: ")
