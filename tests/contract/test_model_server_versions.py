"""How the server follows its base path, on a real server and real SavedModels."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import (
    ServerProcess,
    flags_for,
    listening,
    running,
    started,
    wait_until,
)
from udfs.client.outcomes import Answer, Failure, VersionState, VersionStatus
from udfs.client.predict import PredictionClient

DEADLINE_S = 20.0
FEATURES = np.ones((1, saved_models.FEATURES), np.float32)
T = TypeVar("T")


@contextmanager
def serving(folder: Path, version: str = "1") -> Iterator[ServerProcess]:
    """A server of model fraud under `folder`/fraud."""
    saved_models.publish(saved_models.fraud(), folder / "fraud", version)
    with running(folder / "log", *flags_for("fraud", folder / "fraud")) as server:
        yield server


def asked(target: str, ask: Callable[[PredictionClient], Awaitable[T]]) -> T:
    """What one client is told, which is closed afterwards."""

    async def call() -> T:
        client = PredictionClient(target)
        try:
            return await ask(client)
        finally:
            await client.close()

    return asyncio.run(call())


def answered_by(server: ServerProcess, version: int | None = None) -> int | Failure:
    """The version that answers a call, or its failure."""
    outcome = asked(
        server.target,
        lambda client: client.predict(
            "fraud", {"features": FEATURES}, deadline_s=DEADLINE_S, version=version
        ),
    )
    return outcome.version if isinstance(outcome, Answer) else outcome


def states(server: ServerProcess) -> dict[int, VersionState]:
    found = asked(server.target, lambda client: client.model_status("fraud", deadline_s=DEADLINE_S))
    assert isinstance(found, list), found
    return {status.version: status.state for status in found}


def status(server: ServerProcess, version: int) -> VersionStatus | None:
    found = asked(
        server.target,
        lambda client: client.model_status("fraud", deadline_s=DEADLINE_S, version=version),
    )
    return found[0] if isinstance(found, list) else None


async def calls_across_publishing(
    client: PredictionClient, publish: Callable[[], Path]
) -> tuple[list[int | str], float]:
    """Versions (or failures) in the order they answered, and seconds until the new one did."""
    loop, seen = asyncio.get_running_loop(), list[int | str]()
    published = appeared = 0.0
    while seen.count(12) < 10 and len(seen) < 100_000:
        outcome = await client.predict("fraud", {"features": FEATURES}, deadline_s=5.0)
        seen.append(outcome.version if isinstance(outcome, Answer) else outcome.message)
        if len(seen) == 10:
            publish()
            published = loop.time()
        if seen[-1] == 12 and not appeared:
            appeared = loop.time()
    return seen, appeared - published


def test_new_version_is_served_within_a_second_and_no_call_fails(tmp_path: Path) -> None:
    def publish() -> Path:
        return saved_models.publish(saved_models.fraud(1.0), tmp_path / "fraud", "0012")

    with serving(tmp_path) as server:
        seen, seconds = asked(server.target, lambda c: calls_across_publishing(c, publish))
    assert seen == [1] * seen.count(1) + [12] * 10
    assert 0 < seconds < 1.0


def test_old_version_is_gone_once_the_new_one_serves(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        saved_models.publish(saved_models.fraud(1.0), tmp_path / "fraud", "2")
        wait_until(lambda: states(server) == {1: VersionState.END, 2: VersionState.AVAILABLE})
        gone = answered_by(server, version=1)
    assert isinstance(gone, Failure)
    assert gone.message.endswith("Servable not found for request: Specific(fraud, 1)")


def test_half_written_version_is_never_served(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        half = tmp_path / "fraud" / "2"
        shutil.copytree(saved_models.fraud(1.0), half, ignore=lambda *_: ["saved_model.pb"])
        # A third version proves that the server looked after the half one was there.
        saved_models.publish(saved_models.fraud(1.0), tmp_path / "fraud", "03")
        wait_until(lambda: answered_by(server) == 3)
        assert 2 not in states(server)


def test_failed_load_takes_no_good_version_down_and_is_tried_again(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        broken = tmp_path / "fraud" / "2"
        broken.mkdir()
        (broken / "saved_model.pb").write_bytes(b"no graph")
        wait_until(lambda: states(server).get(2) is VersionState.END)
        failed = status(server, 2)
        assert failed is not None
        assert failed.error_code != 0
        assert failed.error_message
        assert answered_by(server) == 1
        shutil.rmtree(broken)
        saved_models.publish(saved_models.fraud(1.0), tmp_path / "fraud", "2")
        wait_until(lambda: answered_by(server) == 2)


def test_empty_or_vanished_base_path_keeps_what_serves(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        shutil.rmtree(tmp_path / "fraud" / "1")
        # Several looks at the empty path go by while these calls are answered.
        assert {answered_by(server) for _ in range(50)} == {1}
        shutil.rmtree(tmp_path / "fraud")
        assert {answered_by(server) for _ in range(50)} == {1}
        saved_models.publish(saved_models.fraud(1.0), tmp_path / "fraud", "2")
        wait_until(lambda: answered_by(server) == 2)


def test_removing_the_newest_version_goes_back_to_the_one_before(tmp_path: Path) -> None:
    saved_models.publish(saved_models.fraud(), tmp_path / "fraud", "1")
    with serving(tmp_path, "2") as server:
        assert answered_by(server) == 2
        shutil.rmtree(tmp_path / "fraud" / "2")
        wait_until(lambda: answered_by(server) == 1)


def test_port_opens_with_the_first_version(tmp_path: Path) -> None:
    base_path = tmp_path / "fraud"
    base_path.mkdir()
    log = tmp_path / "log"
    with started(log, *flags_for("fraud", base_path)) as process:
        wait_until(lambda: "waiting_for_first_version" in log.read_text(), 60.0)
        saved_models.publish(saved_models.fraud(), base_path, "1")
        server = ServerProcess(process, listening(process), log)
        assert answered_by(server) == 1


def test_broken_newest_version_at_the_start_leaves_the_one_before(tmp_path: Path) -> None:
    broken = tmp_path / "fraud" / "9"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"no graph")
    with serving(tmp_path) as server:
        assert answered_by(server) == 1
        assert states(server)[9] is VersionState.END
