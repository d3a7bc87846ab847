"""Warm-up: requests beside a version that run before it is available."""

import struct
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError
from grpc import StatusCode

from millrace.model_server import classification, multi_inference, predictions, regression, wire
from millrace.model_server.errors import LoadError, RequestError
from millrace.model_server.multi_inference import Task
from millrace.model_server.requests import examples_of, spec_of
from millrace.model_server.servable import Servable
from udfs.client import tensors

FILE: Final = Path("assets.extra", "tf_serving_warmup_requests")
_MAX_RECORDS: Final = 1000
_INVALID_ARGUMENT, _DATA_LOSS = 3, 15
_POLYNOMIAL: Final = 0x82F63B78
_MASK: Final = 0xA282EAD8
_HEADER, _FOOTER = 12, 4


def warm_up(servable: Servable, folder: Path, iterations: int) -> int:
    """Runs the requests of a version's warm-up file, if there is one; the number of them.

    Args:
        servable: the loaded version.
        folder: its directory.
        iterations: times that each request runs; 0 leaves the file alone.

    Raises:
        LoadError: the file is broken or a request fails, which ends the load as in TensorFlow
            Serving.
    """
    file = folder / FILE
    if not iterations or not file.is_file():
        return 0
    count = 0
    for record in records(file.read_bytes()):
        count += 1
        if count > _MAX_RECORDS:
            raise LoadError(
                _INVALID_ARGUMENT,
                f"Number of warmup records exceeds the maximum ({_MAX_RECORDS}) at {file}",
            )
        try:
            request = wire.PredictionLog.FromString(record)
            for _ in range(iterations):
                _run(servable, request)
        except DecodeError as error:
            message = f"Failed to parse warmup record {count} from {file}"
            raise LoadError(_INVALID_ARGUMENT, message) from error
        except RequestError as error:
            raise LoadError(error.code.value[0], f"warm-up: {error.message}") from error
    return count


def records(content: bytes) -> Iterator[bytes]:
    """The records of a TFRecord file.

    A record is its length (8 bytes), a checksum of that, the bytes and a checksum of those; the
    second is not computed here, protobuf finds most of what it would.

    Raises:
        LoadError: the file is cut off or no TFRecord file.
    """
    at = 0
    while at < len(content):
        header = content[at : at + _HEADER]
        if len(header) < _HEADER:
            raise LoadError(_DATA_LOSS, f"truncated record at {at}")
        length, checksum = struct.unpack("<QI", header)
        if checksum != _masked(_crc32c(header[:8])):
            raise LoadError(_DATA_LOSS, f"corrupted record at {at}")
        end = at + _HEADER + length + _FOOTER
        if end > len(content):
            raise LoadError(_DATA_LOSS, f"truncated record at {at}")
        yield content[at + _HEADER : end - _FOOTER]
        at = end


@cache
def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)  # noqa: PLW2901
        table.append(value)
    return tuple(table)


def _crc32c(data: bytes) -> int:
    value, table = 0xFFFFFFFF, _table()
    for byte in data:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def _masked(checksum: int) -> int:
    return ((checksum >> 15 | checksum << 17) + _MASK) & 0xFFFFFFFF


def _run(servable: Servable, record: Any) -> None:
    """Runs one PredictionLog. Raises RequestError; logs of another kind run nothing."""
    signatures = servable.signatures
    if record.HasField("predict_log"):
        request = record.predict_log.request
        signature = predictions.signature_of(signatures, spec_of(request.model_spec).signature)
        plan = predictions.plan(signature, request.inputs, tensors.decode, request.output_filter)
        servable.run(plan.feeds, plan.fetches)
    elif record.HasField("classify_log"):
        _alone(servable, record.classify_log.request, classification)
    elif record.HasField("regress_log"):
        _alone(servable, record.regress_log.request, regression)
    elif record.HasField("multi_inference_log"):
        request = record.multi_inference_log.request
        tasks = [Task(spec_of(task.model_spec), task.method_name) for task in request.tasks]
        _over_examples(servable, request, *multi_inference.tensors(tasks, signatures))
    elif record.HasField("predict_streamed_log") or record.HasField("session_run_log"):
        number = 7 if record.HasField("predict_streamed_log") else 5
        message = f"Unsupported log_type for warmup: {number}"
        raise RequestError(StatusCode.UNIMPLEMENTED, message)


def _alone(servable: Servable, request: Any, kind: ModuleType) -> None:
    signature = predictions.signature_of(servable.signatures, spec_of(request.model_spec).signature)
    fed, fetches = kind.tensors(signature)
    _over_examples(servable, request, [fed], fetches)


def _over_examples(
    servable: Servable, request: Any, fed: Sequence[str], fetches: Sequence[str]
) -> None:
    examples = examples_of(request.input)
    column = np.empty(len(examples), object)
    column[:] = examples
    servable.run([(name, column) for name in fed], fetches)
