"""The wire's requests as what the core takes."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError
from grpc import StatusCode

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.model_spec import ModelSpec


def decoded(message_class: Any, message: bytes) -> Any:
    """A message of a class.

    Raises:
        RequestError: the bytes are none.
    """
    try:
        return message_class.FromString(message)
    except DecodeError as error:
        raise RequestError(StatusCode.INTERNAL, "The request cannot be parsed.") from error


def encoded(response: Any) -> bytes:
    """A message's bytes."""
    message: bytes = response.SerializeToString()
    return message


def required_spec(request: Any) -> ModelSpec:
    """The model_spec of a request.

    Raises:
        RequestError: it has none.
    """
    if not request.HasField("model_spec"):
        raise missing_spec()
    return spec_of(request.model_spec)


def missing_spec() -> RequestError:
    """The error for a request without a model_spec."""
    return invalid("Missing ModelSpec")


def spec_of(spec: Any) -> ModelSpec:
    """A ModelSpec message as a value."""
    version = spec.version.value if spec.HasField("version") else None
    return ModelSpec(spec.name, version, spec.version_label, spec.signature_name)


def examples_of(message: Any) -> Sequence[bytes]:
    """The serialised tf.Examples of an Input message, each with its context before it.

    A context is a tf.Example too; put before another one, protobuf merges the two.
    """
    if message.HasField("example_list_with_context"):
        context = message.example_list_with_context.context
        return [context + example for example in message.example_list_with_context.examples]
    return list(message.example_list.examples)
