"""What a contestant wrote: how many, when, and whether it is what everybody else wrote."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.raw_records import FIRST_ID
from benchmarks.reading import chunks

_FROM, _TO = 0.2, 0.9


class _Line(msgspec.Struct):
    """What is compared of a prediction; a passed-through record has its id only."""

    business_id: int = -1
    transaction_id: int = -1
    sequence: int = 0
    output: float = 0.0
    route: str = ""


@dataclass(frozen=True)
class Outcome:
    """The answers of one run.

    Attributes:
        count: predictions that a `read_committed` consumer sees.
        dead_letters: dead letters, likewise.
        missing: inputs without a prediction.
        twice: predictions beyond one an input.
        fallbacks: predictions by the rule, not by the model.
        sequences: checksum over the sequence numbers in the order of the inputs.
        mean_output: mean score.
        rate: records/s between 20 % and 90 % of the records, by the broker's append times.
        steady_s: the seconds between them.
    """

    count: int
    dead_letters: int
    missing: int
    twice: int
    fallbacks: int
    sequences: int
    mean_output: float
    rate: float
    steady_s: float


def steady(times_ms: NDArray[np.int64]) -> tuple[float, float]:
    """Records/s and seconds between 20 % and 90 % of the records, by their append times (n,).

    >>> steady(np.arange(1000))
    (1000.0, 0.7)
    """
    ordered = np.sort(times_ms)
    first, last = int(len(ordered) * _FROM), int(len(ordered) * _TO)
    milliseconds = int(ordered[last] - ordered[first]) if len(ordered) else 0
    rate = (last - first) * 1000 / milliseconds if milliseconds else 0.0
    return rate, milliseconds / 1000


def outcome(bootstrap_servers: str, output: str, inputs: int, copies: int) -> Outcome:
    """Reads what a run wrote.

    Args:
        bootstrap_servers: the broker.
        output: prefix of the run's topics.
        inputs: records with ids from `FIRST_ID` on that each raw topic holds.
        copies: raw topics that the run read.
    """
    decode = msgspec.json.Decoder(_Line).decode_lines
    times: list[int] = []
    columns: list[NDArray[np.float64]] = []
    fallbacks = 0
    for messages in chunks(bootstrap_servers, f"{output}.predictions"):
        times += [message.timestamp()[1] for message in messages]
        lines = decode(b"\n".join([message.value() for message in messages]))
        columns.append(_columns(lines))
        fallbacks += sum(line.route.startswith("fallback") for line in lines)
    letters = sum(len(found) for found in chunks(bootstrap_servers, f"{output}.dead-letters"))
    rate, seconds = steady(np.array(times, np.int64))
    ids, sequences, outputs = np.concatenate([np.empty((3, 0)), *columns], axis=1)
    found = ids.astype(np.int64) - FIRST_ID
    seen = np.bincount(found[(found >= 0) & (found < inputs)], minlength=inputs)
    missing = int(np.maximum(copies - seen, 0).sum())
    twice = len(found) - (inputs * copies - missing)
    in_order = sequences[np.argsort(found, kind="stable")].astype("<i8")
    digest = zlib.crc32(in_order.tobytes())
    mean = float(outputs.mean()) if len(outputs) else 0.0
    return Outcome(len(found), letters, missing, twice, fallbacks, digest, mean, rate, seconds)


def _columns(lines: Sequence[_Line]) -> NDArray[np.float64]:
    """Id, sequence number and score of each line, (3, n)."""
    return np.array(
        [
            [max(line.business_id, line.transaction_id) for line in lines],
            [line.sequence for line in lines],
            [line.output for line in lines],
        ],
        dtype=np.float64,
    )
