"""What a platform (TensorFlow now, others later) gives the server: something that can be run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

Feeds = Sequence[tuple[str, NDArray[Any]]]
"""Arrays by the name of the tensor they are fed to."""


@dataclass(frozen=True)
class Signature:
    """A named way to run a model.

    Attributes:
        method_name: what the signature is for, such as `tensorflow/serving/predict`.
        inputs: tensor names by input name.
        outputs: tensor names by output name.
        defaults: values of inputs that a request may leave out.
    """

    method_name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    defaults: Mapping[str, NDArray[Any]]


class Servable(Protocol):
    """One loaded model version. `run` may be called from several threads at once."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The signatures by name."""

    @property
    def signature_def_map(self) -> bytes:
        """The signatures as a serialised `tensorflow.serving.SignatureDefMap`."""

    def run(self, feeds: Feeds, fetches: Sequence[str]) -> list[NDArray[Any]]:
        """The fetched tensors. Raises RequestError with the runtime's status."""

    def close(self) -> None:
        """Frees the model; nothing runs it any more."""
