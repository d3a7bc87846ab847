"""Finds the model version that a request means."""

from collections.abc import Sequence
from typing import Any

import grpc

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.models import Model, ServedVersion
from udfs.client.outcomes import VersionStatus


class Catalog:
    """The server's models by name."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = {model.name: model for model in models}

    def find(self, request: Any) -> ServedVersion:
        """The version that the request's model_spec resolves to.

        Raises:
            RequestError: there is none, in TensorFlow Serving's words.
        """
        spec = model_spec(request)
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        if spec.version_label:
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        model = self.models.get(spec.name)
        serving = model.serving if model else None
        if not spec.HasField("version"):
            wanted = f"Latest({spec.name})"
        elif serving is not None and serving.version != spec.version.value:
            serving, wanted = None, f"Specific({spec.name}, {spec.version.value})"
        else:
            wanted = f"Specific({spec.name}, {spec.version.value})"
        if serving is None:
            message = f"Servable not found for request: {wanted}"
            raise RequestError(grpc.StatusCode.NOT_FOUND, message)
        return serving

    def statuses(self, request: Any) -> list[VersionStatus]:
        """The states of the model that the request names, or of one version of it.

        Raises:
            RequestError: there is none, in TensorFlow Serving's words.
        """
        spec = model_spec(request)
        model = self.models.get(spec.name)
        found = model.statuses() if model else []
        if spec.HasField("version"):
            version = spec.version.value
            found = [status for status in found if status.version == version]
            missing = f"Could not find version {version} of model {spec.name}"
        else:
            missing = f"Could not find any versions of model {spec.name}"
        if not found:
            raise RequestError(grpc.StatusCode.NOT_FOUND, missing)
        return found


def model_spec(request: Any) -> Any:
    """The request's model_spec.

    Raises:
        RequestError: it has none.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    return request.model_spec
