"""What a platform gives the server: a loaded model version that can be run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

Feeds = Sequence[tuple[str, NDArray[Any]]]
"""Arrays by the name of the tensor they are fed to."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor of a signature.

    Attributes:
        name: the tensor's name in the graph, such as `serving_default_x:0`.
        dtype: TensorFlow's DataType number.
        shape: sizes of the axes, -1 where any will do; None when even their number is open.
    """

    name: str
    dtype: int = 0
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Signature:
    """A named way to run a model.

    Attributes:
        method_name: what the signature is for, such as `tensorflow/serving/predict`.
        inputs: tensors by input name.
        outputs: tensors by output name.
        defaults: values of inputs that a request may leave out.
    """

    method_name: str
    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    defaults: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @cached_property
    def output_names(self) -> Sequence[str]:
        """The names of all outputs."""
        return tuple(self.outputs)

    @cached_property
    def fetches(self) -> Sequence[str]:
        """Their tensors' names, in that order."""
        return tuple(info.name for info in self.outputs.values())


class Servable(Protocol):
    """One loaded model version. `run` may be called from several threads at once."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The signatures by name."""

    @property
    def bounded(self) -> bool:
        """Whether the size of its inputs bounds how long a run takes."""

    @property
    def signature_def_map(self) -> bytes:
        """The signatures as a serialised `tensorflow.serving.SignatureDefMap`."""

    def run(self, feeds: Feeds, fetches: Sequence[str]) -> list[NDArray[Any]]:
        """The fetched tensors. Raises RequestError with the runtime's status."""

    def close(self) -> None:
        """Frees the model; nothing runs it any more."""


@dataclass(frozen=True)
class Platform:
    """A kind of model that can be served.

    Attributes:
        name: as `model_platform` in a configuration names it.
        graph_files: a directory is a version once it holds one of these files.
        load: loads a version directory, in a thread; raises LoadError.
    """

    name: str
    graph_files: tuple[str, ...]
    load: Callable[[Path], Servable]
