"""Labels of versions, as a new configuration assigns them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import grpc

from millrace.model_server.errors import RequestError
from millrace.model_server.model_config import ModelConfig

Labels = Mapping[str, Mapping[str, int]]
"""Version numbers by label, by model."""


class LabelOptions(Protocol):
    """What new labels may point to."""

    @property
    def labels_for_unavailable(self) -> bool:
        """Whether unused labels may go to versions that are not available."""


def new_labels(
    configs: Iterable[ModelConfig],
    is_available: Callable[[str, int], bool],
    old: Labels,
    options: LabelOptions,
) -> Labels:
    """The labels that a configuration assigns.

    Raises:
        RequestError: a label goes to a version that is not available.
    """
    labels: dict[str, Mapping[str, int]] = {}
    for config in configs:
        used = old.get(config.name, {})
        for label, version in config.labels.items():
            # A label that moves has callers: it may only go to where they are answered.
            unused = used.get(label, version) == version
            if not (
                (options.labels_for_unavailable and unused) or is_available(config.name, version)
            ):
                raise RequestError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Request to assign label to version {version} of model {config.name}, "
                    "which is not currently available for inference",
                )
        if config.labels:
            labels[config.name] = config.labels
    return labels
