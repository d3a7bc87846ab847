"""The platforms that models can name."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from millrace.model_server.errors import LoadError
from millrace.model_server.model_config import ANY, ONNX, TENSORFLOW
from millrace.model_server.onnx_model import GRAPH_FILE, OnnxSession
from millrace.model_server.roots import Roots
from millrace.model_server.saved_model import SavedModelSession, SessionThreads
from millrace.model_server.servable import Platform, Servable
from udfs.errors import ConfigurationError

_NOT_FOUND, _PERMISSION_DENIED = 5, 7


def platforms(threads: SessionThreads, roots: Roots) -> Mapping[str, Platform]:
    """Platforms by name; each loads only what lies under the roots."""
    tensorflow = Platform(
        TENSORFLOW,
        ("saved_model.pb", "saved_model.pbtxt"),
        partial(SavedModelSession, threads=threads),
    )
    onnx = Platform(ONNX, (GRAPH_FILE,), partial(OnnxSession, threads=threads))
    every = (tensorflow, onnx, _any_of(tensorflow, onnx))
    return {each.name: _guarded(each, roots) for each in every}


def _any_of(*platforms: Platform) -> Platform:
    """The platform of models whose versions differ in what runs them."""

    def load(folder: Path) -> Servable:
        for platform in platforms:
            if any((folder / name).is_file() for name in platform.graph_files):
                return platform.load(folder)
        raise LoadError(_NOT_FOUND, f"{folder} holds none of {', '.join(files)}")

    files = tuple(name for platform in platforms for name in platform.graph_files)
    return Platform(ANY, files, load)


def _guarded(platform: Platform, roots: Roots) -> Platform:
    def load(folder: Path) -> Servable:
        try:
            roots.check_tree(folder)
        except ConfigurationError as error:
            raise LoadError(_PERMISSION_DENIED, str(error)) from error
        return platform.load(folder)

    return Platform(platform.name, platform.graph_files, load)
