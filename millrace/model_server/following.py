"""Follows base paths and the configuration file while the server runs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from millrace.model_server.catalog import Catalog
from millrace.model_server.errors import RequestError
from millrace.model_server.events import log
from millrace.model_server.model_config import ModelConfig, configs_of_file
from millrace.model_server.models import Model
from millrace.model_server.reloading import Reloader
from udfs.errors import ConfigurationError


async def follow_base_paths(catalog: Catalog, wait_s: float, stop: asyncio.Event) -> None:
    """Looks for new versions again and again; a slow load holds up no other model."""
    looking: dict[str, asyncio.Task[None]] = {}
    while wait_s and not stop.is_set():
        await pause(stop, wait_s)
        for name, model in list(catalog.models.items()):
            if name not in looking or looking[name].done():
                looking[name] = asyncio.create_task(_look(model))


async def _look(model: Model) -> None:
    try:
        await model.refresh()
    except Exception as error:
        # Whatever went wrong in this look, the next one comes, and what serves goes on.
        log("look_failed", model=model.name, error=repr(error))


async def follow_config_file(
    file: Path,
    applied: Sequence[ModelConfig],
    wait_s: float,
    reloader: Reloader,
    stop: asyncio.Event,
) -> None:
    """Applies the configuration file when it has changed; a bad one is told and left out.

    Args:
        file: the file.
        applied: what the server started with; loading it may have taken long enough for a change.
        wait_s: seconds between two looks; 0 for none.
        reloader: applies it.
        stop: ends the looks.
    """
    seen = _content(file)
    seen = seen if _says(file, applied) else None
    while wait_s and not stop.is_set():
        await pause(stop, wait_s)
        content = _content(file)
        if content is None or content == seen:
            continue
        seen = content
        try:
            await reloader.apply(configs_of_file(file), trusted=True)
        except (ConfigurationError, RequestError) as error:
            log("config_file_refused", file=str(file), error=str(error))


def _says(file: Path, applied: Sequence[ModelConfig]) -> bool:
    try:
        return list(configs_of_file(file)) == list(applied)
    except ConfigurationError:
        # The first look reads it again and tells what is wrong.
        return False


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        # It is being replaced; the next look sees it.
        return None


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Returns after some seconds, or once the server is told to stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except asyncio.TimeoutError:
        return
