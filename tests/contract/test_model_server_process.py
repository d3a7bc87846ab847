"""The server as a process: flags, errors, signals."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import (
    ServerProcess,
    flags_for,
    run_to_its_end,
    running,
    started,
    wait_until,
)
from udfs.client.outcomes import Answer, Outcome
from udfs.client.predict import PredictionClient

STEPS_PER_LOOK = 20_000


def broken_model(folder: Path) -> list[str]:
    (folder / "1").mkdir()
    (folder / "1" / "saved_model.pb").write_bytes(b"no graph")
    return ["--port=0", f"--model_base_path={folder}"]


def foreign_address(folder: Path) -> list[str]:
    return ["--grpc_bind_address=192.0.2.1", f"--model_base_path={folder}"]


@pytest.mark.parametrize(
    ("flags", "status", "says"),
    [
        (broken_model, 5, "version 1 of model default cannot be loaded"),
        (foreign_address, 3, "cannot listen on 192.0.2.1:8500"),
    ],
)
def test_what_cannot_work_is_one_sentence_and_a_status(
    tmp_path: Path, flags: Callable[[Path], list[str]], status: int, says: str
) -> None:
    ended = run_to_its_end(*flags(tmp_path))
    told = [line for line in ended.stderr.splitlines() if line.startswith("millrace")]
    assert (ended.returncode, len(told), "Traceback" in ended.stderr) == (status, 1, False)
    assert says in told[0]


def test_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_to_its_end(f"--port={port}", f"--model_base_path={tmp_path}")
    assert (ended.returncode, ended.stderr) == (
        3,
        f"millrace model-server: cannot listen on 127.0.0.1:{port}: the port is taken or the "
        "address is not ours\n",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_lets_the_call_in_flight_end(tmp_path: Path, number: signal.Signals) -> None:
    saved_models.publish(saved_models.odd(), tmp_path / "odd", "1")
    with running(tmp_path / "log", *flags_for("odd", tmp_path / "odd")) as server:
        outcome = asyncio.run(call_across_signal(server, number))
        status = server.process.wait(timeout=20.0)
    assert isinstance(outcome, Answer), outcome
    assert status == 0
    events = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    assert [each["event"] for each in events][-2:] == ["draining", "version_unloaded"]


async def call_across_signal(server: ServerProcess, number: signal.Signals) -> Outcome:
    """A call of about a second, and the signal when it is known to run."""
    client = PredictionClient(server.target)

    async def count(steps: int) -> Outcome:
        inputs = {"n": np.array(steps, np.int32)}
        return await client.predict("odd", inputs, deadline_s=20.0, signature_name="steps")

    loop = asyncio.get_running_loop()
    start = loop.time()
    assert isinstance(await count(STEPS_PER_LOOK), Answer)
    took = loop.time() - start
    long = asyncio.ensure_future(count(int(STEPS_PER_LOOK / took)))
    await sent(client)
    assert not long.done()
    server.process.send_signal(number)
    outcome = await long
    await client.close()
    return outcome


async def sent(client: PredictionClient) -> None:
    """Returns when the server has taken the calls that were started before.

    A connection keeps the order of its calls. The first of these two may overtake a task that
    has not had its turn yet; the second cannot.
    """
    for _ in range(2):
        assert isinstance(await client.model_status("odd", deadline_s=20.0), list)


def test_signal_before_the_first_version_ends_the_server(tmp_path: Path) -> None:
    base_path = tmp_path / "fraud"
    base_path.mkdir()
    log = tmp_path / "log"
    with started(log, *flags_for("fraud", base_path)) as process:
        wait_until(lambda: "waiting_for_first_version" in log.read_text(), 60.0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20.0) == 0


def test_signal_ends_the_server_while_a_graph_runs_that_nobody_waits_for(tmp_path: Path) -> None:
    saved_models.publish(saved_models.odd(), tmp_path / "odd", "1")

    async def leave(target: str) -> None:
        client = PredictionClient(target)
        inputs = {"n": np.array(2**31 - 1, np.int32)}
        endless = asyncio.ensure_future(
            client.predict("odd", inputs, deadline_s=20.0, signature_name="steps")
        )
        await sent(client)
        endless.cancel()
        await client.close()

    with running(tmp_path / "log", *flags_for("odd", tmp_path / "odd")) as server:
        asyncio.run(leave(server.target))
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20.0) == 0
        assert "ended_with_work_running" in server.log()


def test_flags_take_their_value_after_a_blank_too(tmp_path: Path) -> None:
    saved_models.publish(saved_models.fraud(), tmp_path / "fraud", "1")
    flags = ["--model_name", "fraud", "--model_base_path", str(tmp_path / "fraud")]
    more = ["--file_system_poll_wait_seconds", "0", "--enable_serialization_as_tensor_content"]
    with running(tmp_path / "log", *flags, *more) as server:
        assert server.target.startswith("127.0.0.1:")


def test_slow_call_does_not_hold_up_others(tmp_path: Path) -> None:
    saved_models.publish(saved_models.odd(), tmp_path / "odd", "1")

    async def calls(target: str) -> bool:
        client = PredictionClient(target)
        # Short calls before it must not make a long one look short.
        for _ in range(50):
            await client.predict("odd", {"x": np.ones((1, 2), np.float32)}, deadline_s=20.0)
        inputs = {"n": np.array(1_000_000, np.int32)}
        slow = asyncio.ensure_future(
            client.predict("odd", inputs, deadline_s=20.0, signature_name="steps")
        )
        await sent(client)
        quick = await client.predict("odd", {"x": np.ones((1, 2), np.float32)}, deadline_s=20.0)
        waited = slow.done()
        slow.cancel()
        await client.close()
        return isinstance(quick, Answer) and not waited

    with running(tmp_path / "log", *flags_for("odd", tmp_path / "odd")) as server:
        assert asyncio.run(calls(server.target))
