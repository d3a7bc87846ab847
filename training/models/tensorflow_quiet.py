"""TensorFlow without its start-up notes, and without Keras until somebody asks for it.

The notes are not for whoever trains. Keras takes as long to load as the rest of TensorFlow, which
loads it although it is needed for models made of it alone: `tf.keras`, `import keras` and an
import of `keras` from here still give it, when they are first used.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# Read once, when TensorFlow is loaded.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_LOADED_EAGERLY = "keras.src.optimizers"


@contextmanager
def _keras_later() -> Iterator[None]:
    """Python finds no Keras inside, which TensorFlow takes calmly; unless it is there already."""
    modules: dict[str, Any] = sys.modules
    if "keras" in modules:
        yield
        return
    modules[_LOADED_EAGERLY] = None
    try:
        yield
    finally:
        del modules[_LOADED_EAGERLY]


with _keras_later():
    import tensorflow as tf

__all__ = ["keras", "tf"]


def __getattr__(name: str) -> ModuleType:
    """Keras, after TensorFlow and so without its notes either."""
    if name != "keras":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(name)
