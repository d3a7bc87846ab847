"""What the values of flags mean; argparse makes a sentence of what they raise."""

import argparse
from pathlib import Path
from typing import Final

_PORTS: Final = range(65536)
_MAX_COUNT: Final = 1 << 31


def port(text: str) -> int:
    """A TCP port.

    >>> port("8500")
    8500
    """
    if not text.isdigit() or int(text) not in _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to {_PORTS[-1]}")
    return int(text)


def count(text: str) -> int:
    """A whole number from 0."""
    if not text.isdigit() or int(text) >= _MAX_COUNT:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds from 0.

    >>> seconds("0.25")
    0.25
    """
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0")
    return value


def microseconds(text: str) -> float:
    """A number of microseconds as seconds; negative ones mean none, as in TensorFlow Serving.

    >>> microseconds("60000000")
    60.0
    """
    try:
        return max(int(text), 0) / 1e6
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of microseconds") from error


def boolean(text: str) -> bool:
    """Yes or no."""
    if text.lower() not in {"true", "false", "1", "0"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() in {"true", "1"}


def directories(text: str) -> tuple[Path, ...]:
    """Directories that exist, separated by commas."""
    found = tuple(Path(part) for part in text.split(",") if part)
    for folder in found:
        if not folder.is_dir():
            raise argparse.ArgumentTypeError(f"{str(folder)!r} is no directory")
    return tuple(folder.absolute() for folder in found)


def channel_arguments(text: str) -> tuple[tuple[str, int | str], ...]:
    """Arguments of gRPC as `key=value` pairs, separated by commas.

    >>> channel_arguments("grpc.max_connection_age_ms=2000,grpc.x=y")
    (('grpc.max_connection_age_ms', 2000), ('grpc.x', 'y'))
    """
    found: list[tuple[str, int | str]] = []
    for pair in text.split(",") if text else ():
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise argparse.ArgumentTypeError(f"{pair!r} is no key=value")
        found.append((key, int(value) if value.lstrip("-").isdigit() else value))
    return tuple(found)
