"""Predict: from a request to what is run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from numpy.typing import NDArray

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.servable import Feeds, Signature

Sent = TypeVar("Sent")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request asks to be run.

    Attributes:
        feeds: arrays by tensor name.
        outputs: output names, in the order of `fetches`.
        fetches: tensor names.
    """

    feeds: Feeds
    outputs: Sequence[str]
    fetches: Sequence[str]


def signature_of(signatures: Mapping[str, Signature], name: str) -> Signature:
    """The signature that a Predict request names.

    Raises:
        RequestError: there is none. What it is for is not checked: TensorFlow Serving does that
            only behind a flag that is off by default.
    """
    signature = signatures.get(name)
    if signature is None:
        message = f'Serving signature key "{name}" not found.'
        raise RequestError(grpc.StatusCode.FAILED_PRECONDITION, message)
    return signature


def plan(
    signature: Signature,
    sent: Mapping[str, Sent],
    read: Callable[[Sent], NDArray[Any]],
    output_filter: Sequence[str] = (),
) -> Plan:
    """What to run for inputs by name.

    Args:
        signature: the signature that runs.
        sent: inputs by name, in whatever form they came.
        read: makes an array of one; may raise ValueError.
        output_filter: the outputs that are wanted; empty for all.

    Raises:
        RequestError: the request does not fit the signature, in TensorFlow Serving's words.
    """
    _check_inputs(sent, signature)
    feeds = [
        (info.name, _value(sent, alias, signature, read))
        for alias, info in signature.inputs.items()
    ]
    if not output_filter:
        return Plan(feeds, signature.output_names, signature.fetches)
    outputs = _outputs(output_filter, signature)
    return Plan(feeds, list(outputs), [info.name for info in outputs.values()])


def _check_inputs(sent: Mapping[str, Any], signature: Signature) -> None:
    if sent.keys() == signature.inputs.keys():
        return
    extra, missing = sent.keys() - signature.inputs.keys(), signature.inputs.keys() - sent.keys()
    more, fewer = len(sent) > len(signature.inputs), len(sent) < len(signature.inputs)
    if more or (fewer and not signature.defaults):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(signature.inputs)} "
            f"len({_names(sent)}) != len({_names(signature.inputs)}). "
            f"Sent extra: {_names(extra)}. Missing but required: {_names(missing)}."
        )
    for alias in sorted(missing - signature.defaults.keys()):
        raise invalid(
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not found "
            "in request and no default value provided. Inputs expected to be in the request "
            f"{_names(sent)}, or default input alias set: {','.join(sorted(signature.defaults))}"
        )
    if extra:
        used = ",".join(sorted(sent.keys() - extra))
        raise invalid(
            f"Inputs contains invalid name. Used request inputs: {used}, "
            f"request input: {','.join(sorted(sent))}"
        )


def _names(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _value(
    sent: Mapping[str, Sent],
    alias: str,
    signature: Signature,
    read: Callable[[Sent], NDArray[Any]],
) -> NDArray[Any]:
    if alias not in sent:
        return signature.defaults[alias]
    try:
        return read(sent[alias])
    except ValueError as error:
        raise invalid(f"tensor parsing error: {alias}") from error


def _outputs(output_filter: Sequence[str], signature: Signature) -> Mapping[str, Any]:
    chosen: dict[str, Any] = {}
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {_names(signature.outputs)}."
            )
        if alias in chosen:
            raise invalid(f"duplicate output tensor alias: {alias}")
        chosen[alias] = signature.outputs[alias]
    return chosen
