"""What a path of the REST API means."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from millrace.model_server.errors import invalid
from millrace.model_server.model_spec import ModelSpec

# As kPredictionApiGegex and kModelStatusApiRegex of http_rest_api_util.cc at 9d981c5.
_MODEL: Final = r"(?:/versions/([0-9]+)|/labels/([^/:]+))?"
_RUN: Final = re.compile(rf"/v1/models/([^/:]+){_MODEL}:(classify|regress|predict)", re.IGNORECASE)
_LOOK: Final = re.compile(rf"/v1/models(?:/([^/:]+))?{_MODEL}(?:/(metadata))?", re.IGNORECASE)
_VERSIONS: Final = range(2**63)
API: Final = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)
"""Paths of the API, of whatever form."""


@dataclass(frozen=True)
class Asked:
    """What a request asks for.

    Attributes:
        spec: model and version.
        verb: `predict`, `classify`, `regress`, `metadata`, or empty for the status.
    """

    spec: ModelSpec
    verb: str


def parsed(method: str, path: str) -> Asked:
    """What a method and a path, still in percent signs, ask for.

    >>> parsed("POST", "/v1/models/fraud/labels/stable:predict").spec.version_label
    'stable'

    Raises:
        RequestError: they are none of the API, in TensorFlow Serving's words.
    """
    pattern = {"POST": _RUN, "GET": _LOOK}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        raise invalid(f"Malformed request: {method} {path}")
    name, version, label, verb = (text or "" for text in match.groups())
    if version and int(version) not in _VERSIONS:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    # Paths are matched in either case, verbs are understood in small letters only.
    if verb != verb.lower() and method == "POST":
        raise invalid(f"Malformed request: {method} {path}")
    number = int(version) if version else None
    spec = ModelSpec(unquote(name, errors="surrogateescape"), number, unquote(label))
    return Asked(spec, "" if verb != verb.lower() else verb)
