"""Which model, version and signature a request means."""

from dataclasses import dataclass
from typing import Final

DEFAULT_SIGNATURE: Final = "serving_default"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """TensorFlow Serving's ModelSpec.

    Attributes:
        name: the model.
        version: a certain version; None for the newest that is available.
        version_label: the version that carries a label; goes before `version`.
        signature_name: empty for `serving_default`.
    """

    name: str
    version: int | None = None
    version_label: str = ""
    signature_name: str = ""

    @property
    def signature(self) -> str:
        """The signature's name, resolved.

        >>> ModelSpec("fraud").signature
        'serving_default'
        """
        return self.signature_name or DEFAULT_SIGNATURE
