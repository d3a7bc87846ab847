"""The change from one version to the next, on a loader that loads nothing."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from millrace.model_server.errors import LoadError
from millrace.model_server.model_config import ModelConfig
from millrace.model_server.models import LoadRetries, Model
from millrace.model_server.servable import Feeds, Platform, Signature
from udfs.client.outcomes import VersionState

DEADLINE_S = 20.0


class _Servable:
    """A servable that only knows whether it was closed."""

    signatures: Mapping[str, Signature] = {}
    signature_def_map = b""
    bounded = True

    def __init__(self) -> None:
        self.closed = False

    def run(self, feeds: Feeds, fetches: Sequence[str]) -> list[NDArray[Any]]:
        return []

    def close(self) -> None:
        self.closed = True


class _Loader:
    """Loads every version directory except those that hold a file `broken`."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def __call__(self, folder: Path) -> _Servable:
        self.tried.append(folder.name)
        if (folder / "broken").exists():
            raise LoadError(3, "no graph")
        return _Servable()


def model(base_path: Path, loader: _Loader, retries: LoadRetries | None = None) -> Model:
    platform = Platform("tensorflow", ("saved_model.pb",), loader)
    return Model(ModelConfig("m", base_path), platform, retries)


def version(base_path: Path, name: str, *, broken: bool = False) -> Path:
    folder = base_path / name
    folder.mkdir()
    (folder / "saved_model.pb").touch()
    if broken:
        (folder / "broken").touch()
    return folder


def test_version_in_use_is_closed_only_after_its_last_call(tmp_path: Path) -> None:
    async def scenario() -> list[bool]:
        served = model(tmp_path, _Loader())
        version(tmp_path, "1")
        await served.refresh()
        old = served.serving
        assert old is not None
        closed = []
        servable = old.servable
        assert old.acquire()
        version(tmp_path, "2")
        await served.refresh()
        await asyncio.wait(served._retiring, timeout=0.3)
        closed.append(servable.closed)  # type: ignore[attr-defined]
        assert served.statuses()[1].state is VersionState.UNLOADING
        assert not old.acquire()
        # The call ends in a thread of its own.
        await asyncio.to_thread(old.release)
        await served.close()
        closed.append(servable.closed)  # type: ignore[attr-defined]
        return closed

    assert asyncio.run(scenario()) == [False, True]


def test_load_goes_on_when_who_asked_for_it_leaves(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[str], int | None]:
        begun, go = threading.Event(), threading.Event()

        class Slow(_Loader):
            """Loads when it is told to."""

            def __call__(self, folder: Path) -> _Servable:
                begun.set()
                assert go.wait(DEADLINE_S)
                return super().__call__(folder)

        loader = Slow()
        served = model(tmp_path, loader)
        version(tmp_path, "1")
        asking = asyncio.ensure_future(served.refresh())
        assert await asyncio.to_thread(begun.wait, DEADLINE_S)
        asking.cancel()
        await asyncio.wait([asking])
        go.set()
        await served.refresh()
        number = served.serving.version if served.serving else None
        await served.close()
        return loader.tried, number

    assert asyncio.run(scenario()) == (["1"], 1)


def test_failed_version_is_not_tried_again_until_it_changes(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        loader = _Loader()
        served = model(tmp_path, loader)
        version(tmp_path, "1")
        folder = version(tmp_path, "2", broken=True)
        for _ in range(3):
            await served.refresh()
        (folder / "broken").unlink()
        await served.refresh()
        await served.close()
        return loader.tried

    assert asyncio.run(scenario()) == ["2", "1", "2"]


def test_loader_that_raises_anything_takes_nothing_down(tmp_path: Path) -> None:
    class Odd(_Loader):
        """Raises what no loader should."""

        def __call__(self, folder: Path) -> _Servable:
            if folder.name == "2":
                raise KeyError("surprise")
            return super().__call__(folder)

    async def scenario() -> int:
        served = model(tmp_path, Odd())
        version(tmp_path, "1")
        await served.refresh()
        version(tmp_path, "2")
        await served.refresh()
        assert served.statuses()[0].error_message == "KeyError('surprise')"
        assert served.serving is not None
        return served.serving.version

    assert asyncio.run(scenario()) == 1


def test_failed_version_reports_its_error(tmp_path: Path) -> None:
    async def scenario() -> tuple[Any, ...]:
        served = model(tmp_path, _Loader())
        version(tmp_path, "2", broken=True)
        await served.refresh()
        (status,) = served.statuses()
        return status.version, status.state, status.error_code, status.error_message

    assert asyncio.run(scenario()) == (2, VersionState.END, 3, "no graph")


def test_failed_load_is_repeated_as_often_as_asked(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        loader = _Loader()
        served = model(tmp_path, loader, LoadRetries(count=2, interval_s=0.0))
        version(tmp_path, "1", broken=True)
        for _ in range(5):
            await served.refresh()
        return loader.tried

    assert asyncio.run(scenario()) == ["1", "1", "1"]
