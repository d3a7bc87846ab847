"""How calls are put together, from a batching parameters file."""

import os
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from millrace.model_server import wire
from millrace.model_server.text_files import read_text_proto
from udfs.errors import ConfigurationError


def _cores() -> int:
    return os.cpu_count() or 1


@dataclass(frozen=True)
class BatchingParameters:
    """TensorFlow Serving's BatchingParameters; defaults are those of its scheduler.

    Attributes:
        max_batch_size: rows of the largest task, and of a batch unless large ones are split.
        batch_timeout_s: how long a task waits for others.
        max_enqueued_batches: batches of a signature that may wait.
        num_batch_threads: batches that run at once.
        allowed_batch_sizes: sizes that batches are padded to; empty for any.
        pad_variable_length_inputs: inputs of different lengths are padded with zeros.
        split_large: tasks larger than a batch are spread over several.
        max_execution_batch_size: rows of a batch where large tasks are split.
    """

    max_batch_size: int = 1000
    batch_timeout_s: float = 0.0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=_cores)
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    split_large: bool = False
    max_execution_batch_size: int = 1000

    @property
    def batch_rows(self) -> int:
        """Rows of the largest batch."""
        return self.max_execution_batch_size if self.split_large else self.max_batch_size

    def padded(self, rows: int) -> int:
        """The size that a batch of so many rows runs with.

        >>> BatchingParameters(8, allowed_batch_sizes=(1, 4, 8)).padded(3)
        4
        """
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


def parameters_of_file(file: Path) -> BatchingParameters:
    """The parameters of a file in TensorFlow Serving's text format.

    Raises:
        ConfigurationError: the file cannot be read, or its values cannot be used.
    """
    message = read_text_proto(file, wire.BatchingParameters, "BatchingParameters")
    found = _parameters(message)
    for wrong in _wrong(found, message.max_enqueued_batches):
        raise ConfigurationError(f"{file}: {wrong}")
    return found


def _parameters(message: Any) -> BatchingParameters:
    default = BatchingParameters()

    def value(name: str, otherwise: int) -> int:
        return int(getattr(message, name).value) if message.HasField(name) else otherwise

    max_batch_size = value("max_batch_size", default.max_batch_size)
    return BatchingParameters(
        max_batch_size=max_batch_size,
        batch_timeout_s=value("batch_timeout_micros", 0) / 1e6,
        max_enqueued_batches=max(value("max_enqueued_batches", default.max_enqueued_batches), 1),
        num_batch_threads=value("num_batch_threads", default.num_batch_threads),
        allowed_batch_sizes=tuple(message.allowed_batch_sizes),
        pad_variable_length_inputs=message.pad_variable_length_inputs,
        split_large=bool(value("enable_large_batch_splitting", 0)),
        max_execution_batch_size=value("max_execution_batch_size", max_batch_size),
    )


def _wrong(found: BatchingParameters, enqueued: Any) -> list[str]:
    sizes = found.allowed_batch_sizes
    checks = (
        (found.max_batch_size >= 1, f"max_batch_size must be positive; was {found.max_batch_size}"),
        (
            found.batch_timeout_s >= 0,
            f"batch_timeout_micros must be non-negative; was {found.batch_timeout_s * 1e6:.0f}",
        ),
        (enqueued.value >= 0, f"max_enqueued_batches must be positive; was {enqueued.value}"),
        (
            found.num_batch_threads >= 1,
            f"num_batch_threads must be positive; was {found.num_batch_threads}",
        ),
        (
            not sizes or sizes[-1] == found.batch_rows,
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
            f"{sizes[-1] if sizes else 0}; expected {found.batch_rows}",
        ),
        (
            all(0 < small < large for small, large in pairwise((0.5, *sizes))),
            f"allowed_batch_sizes must be positive and increase; were {list(sizes)}",
        ),
        (
            1 <= found.batch_rows <= found.max_batch_size,
            "max_execution_batch_size must be from 1 to max_batch_size; was "
            f"{found.max_execution_batch_size}",
        ),
    )
    return [message for fine, message in checks if not fine]
