"""The platforms that models can name."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from millrace.model_server.errors import LoadError
from millrace.model_server.model_config import ONNX, TENSORFLOW
from millrace.model_server.onnx_model import GRAPH_FILE, OnnxSession
from millrace.model_server.roots import Roots
from millrace.model_server.saved_model import SavedModelSession, SessionThreads
from millrace.model_server.servable import Platform, Servable
from udfs.errors import ConfigurationError

_PERMISSION_DENIED = 7


def platforms(threads: SessionThreads, roots: Roots) -> Mapping[str, Platform]:
    """Platforms by name; each loads only what lies under the roots."""
    tensorflow = Platform(
        TENSORFLOW,
        ("saved_model.pb", "saved_model.pbtxt"),
        partial(SavedModelSession, threads=threads),
    )
    onnx = Platform(ONNX, (GRAPH_FILE,), partial(OnnxSession, threads=threads))
    return {each.name: _guarded(each, roots) for each in (tensorflow, onnx)}


def _guarded(platform: Platform, roots: Roots) -> Platform:
    def load(folder: Path) -> Servable:
        try:
            roots.check_tree(folder)
        except ConfigurationError as error:
            raise LoadError(_PERMISSION_DENIED, str(error)) from error
        return platform.load(folder)

    return Platform(platform.name, platform.graph_files, load)
