"""Following the configuration file: what counts as a change."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from millrace.model_server.following import follow_config_file
from millrace.model_server.model_config import ModelConfig

DEADLINE_S = 20.0


class Applied:
    """Notes what it is told to apply, and ends the following with it."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.names: list[str] = []
        self._stop = stop

    async def apply(self, configs: Sequence[ModelConfig], *, trusted: bool) -> None:
        """As the reloader's."""
        assert trusted
        self.names = [config.name for config in configs]
        self._stop.set()


def written(folder: Path, name: str) -> Path:
    file = folder / "models.config"
    config = f'name: "{name}" base_path: "{folder}" model_platform: "tensorflow"'
    file.write_text(f"model_config_list {{ config {{ {config} }} }}")
    return file


def test_a_change_before_the_first_look_counts(tmp_path: Path) -> None:
    started_with = [ModelConfig("before", tmp_path)]

    async def follow() -> list[str]:
        stop = asyncio.Event()
        applied: Any = Applied(stop)
        following = follow_config_file(
            written(tmp_path, "after"), started_with, 0.01, applied, stop
        )
        await asyncio.wait_for(following, DEADLINE_S)
        return list(applied.names)

    assert asyncio.run(follow()) == ["after"]


def test_what_the_server_started_with_is_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def counted(stop: asyncio.Event, seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 5:
            stop.set()

    monkeypatch.setattr("millrace.model_server.following.pause", counted)
    stop = asyncio.Event()
    applied: Any = Applied(stop)
    started_with = [ModelConfig("same", tmp_path)]
    asyncio.run(follow_config_file(written(tmp_path, "same"), started_with, 1, applied, stop))
    assert (looks, applied.names) == (5, [])
