"""Answers to REST requests, apart from HTTP."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import grpc

from millrace.model_server.core import Core
from millrace.model_server.errors import invalid
from millrace.model_server.model_spec import ModelSpec
from millrace.model_server.rest import describing, json_out
from millrace.model_server.rest.examples_in import read_examples
from millrace.model_server.rest.paths import Asked
from millrace.model_server.rest.predict_in import read_predict
from millrace.model_server.servable import TensorInfo

_C: Final = grpc.StatusCode
# As ToHTTPStatusCode of model_servers/http_server.cc at 9d981c5.
_HTTP: Final[Mapping[grpc.StatusCode, int]] = {
    _C.OK: 200,
    _C.CANCELLED: 499,
    _C.INVALID_ARGUMENT: 400,
    _C.DEADLINE_EXCEEDED: 504,
    _C.NOT_FOUND: 404,
    _C.ALREADY_EXISTS: 409,
    _C.PERMISSION_DENIED: 403,
    _C.RESOURCE_EXHAUSTED: 429,
    _C.FAILED_PRECONDITION: 400,
    _C.ABORTED: 409,
    _C.OUT_OF_RANGE: 400,
    _C.UNIMPLEMENTED: 501,
    _C.UNAVAILABLE: 503,
    _C.UNAUTHENTICATED: 401,
}
_ERROR: Final = 500


def http_status(code: grpc.StatusCode) -> int:
    """The HTTP status for a status of gRPC.

    >>> http_status(grpc.StatusCode.NOT_FOUND), http_status(grpc.StatusCode.DATA_LOSS)
    (404, 500)
    """
    return _HTTP.get(code, _ERROR)


@dataclass(frozen=True)
class RestApi:
    """TensorFlow Serving's REST API over the core.

    Attributes:
        core: answers.
        timeout_s: seconds that a request may take; None for no limit.
    """

    core: Core
    timeout_s: float | None = None

    async def answer(self, asked: Asked, body: bytes) -> bytes:
        """The body of the answer.

        Raises:
            RequestError: in TensorFlow Serving's words.
        """
        deadline = None if self.timeout_s is None else time.monotonic() + self.timeout_s
        if asked.verb == "predict":
            return await self._predict(asked.spec, body, deadline)
        if asked.verb in {"classify", "regress"}:
            return await self._infer(asked, body, deadline)
        if not asked.spec.name:
            raise invalid("Missing model name in request.")
        if asked.verb == "metadata":
            served = self.core.catalog.find(asked.spec)
            return describing.metadata(
                served.name, served.version, served.servable.signature_def_map
            )
        return describing.statuses(self.core.catalog.statuses(asked.spec))

    async def _predict(self, spec: ModelSpec, body: bytes, deadline: float | None) -> bytes:
        read = read_predict(body, partial(self._inputs, spec))
        named = replace(spec, signature_name=read.signature_name)
        answer = await self.core.predict(named, read.inputs, deadline=deadline)
        write = json_out.rows if read.by_row else json_out.columns
        return write(answer.names, answer.values)

    def _inputs(self, spec: ModelSpec, signature_name: str) -> Mapping[str, TensorInfo]:
        name = replace(spec, signature_name=signature_name).signature
        signature = self.core.catalog.find(spec).servable.signatures.get(name)
        if signature is None:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        return signature.inputs

    async def _infer(self, asked: Asked, body: bytes, deadline: float | None) -> bytes:
        name, examples = read_examples(body)
        spec = replace(asked.spec, signature_name=name)
        if asked.verb == "classify":
            found = await self.core.classify(spec, examples, deadline)
            return json_out.classifications(found.classes or ())
        found = await self.core.regress(spec, examples, deadline)
        return json_out.regressions(found.values or ())
