"""The HTTP part of `millrace ingest`."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from millrace.ingest.transactions import Source
    from udfs.use_cases.contract import UseCase

_ADDRESS = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]]+):)?(?P<port>\d{1,5})")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MOST = 65_535


def address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, or of a port alone, which is one of this machine only.

    >>> address("8088"), address("0.0.0.0:80"), address("[::1]:0")
    (('127.0.0.1', 8088), ('0.0.0.0', 80), ('::1', 0))

    Raises:
        ConfigurationError: it is neither.
    """
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > _MOST:
        raise ConfigurationError(f"--http is {text!r}; it is a port or HOST:PORT, such as 8088")
    return (found["host"] or _LOOPBACK[0]).strip("[]"), int(found["port"])


def serve(use_case: UseCase, source: Source, where: tuple[str, int], as_json: bool) -> None:
    """Takes records over HTTP until Ctrl-C or SIGTERM, then says what was done."""
    from millrace.ingest.transactions import transactions  # noqa: PLC0415
    from udfs.errors import EnvironmentFault  # noqa: PLC0415

    try:
        from millrace.ingest.endpoint import Endpoint  # noqa: PLC0415
    except ImportError as error:
        raise EnvironmentFault(
            "aiohttp is not installed here; install it with: pip install 'millrace-flink[train]'"
        ) from error
    host, port = where
    if host not in _LOOPBACK:
        typer.echo(f"{host} may be reached by others, and nobody is asked who they are", err=True)
    with transactions(source) as to:
        endpoint = Endpoint(use_case, to, lambda url: typer.echo(f"listening on {url}", err=True))
        served = asyncio.run(endpoint.serve(host, port))
    if as_json:
        typer.echo(json.dumps({"topic": source.topic, **asdict(served)}))
        return
    typer.echo(
        f"{served.records:,} records of {served.requests:,} requests in {source.topic}; "
        f"{served.repeated:,} requests came again, {served.refused:,} were refused"
    )
    if served.unusable:
        typer.echo(f"{served.unusable:,} of the records will be dead letters")
