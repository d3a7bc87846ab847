"""REST as a process: its limits, its end, and 4,000 requests that nobody should send."""

import http.client
import json
import random
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from millrace.stack.ports import free_ports
from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import (
    ServerProcess,
    flags_for,
    run_to_its_end,
    running,
)

DEADLINE_S = 30.0
TIMEOUT_MS = 300
LIMIT_BYTES = 64 << 10
GROWTH_BYTES = 64 << 20
HOSTILE = 4_000
PREDICT = "/v1/models/odd:predict"
STRANGE = (b"[" * 500, b"[" * 70 + b"]" * 70, b"{}", b"NaN", b"9" * 400, b'"\\ud800"', b"\0")
GOOD = b'{"instances": [[1, 2]]}'


@dataclass(frozen=True)
class Rest:
    """A server with REST.

    Attributes:
        server: the process.
        port: REST's port.
    """

    server: ServerProcess
    port: int

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def steps(count: int) -> bytes:
    return json.dumps({"signature_name": "steps", "inputs": {"n": count}}).encode()


@contextmanager
def served(folder: Path, *flags: str) -> Iterator[Rest]:
    """A server of the model odd."""
    saved_models.publish(saved_models.odd(), folder / "odd", "1")
    (port,) = free_ports(8501)
    all_flags = (*flags_for("odd", folder / "odd"), f"--rest_api_port={port}", *flags)
    with running(folder / "log", *all_flags) as server:
        yield Rest(server, port)


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """A server with a short timeout and a low limit of bodies."""
    limits = (f"--rest_api_timeout_in_ms={TIMEOUT_MS}", f"--grpc_max_message_bytes={LIMIT_BYTES}")
    with served(tmp_path_factory.mktemp("models"), *limits) as found:
        yield found


def test_a_request_that_takes_too_long_is_answered_in_time(rest: Rest) -> None:
    status, body = rest.send("POST", PREDICT, steps(3_000_000))
    assert (status, json.loads(body)) == (504, {"error": "Timed out waiting for notification"})


def test_a_body_above_the_limit_is_refused(rest: Rest) -> None:
    status, body = rest.send("POST", PREDICT, b" " * (2 * LIMIT_BYTES))
    assert (status, list(json.loads(body))) == (413, ["error"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_malformed_requests(rest: Rest, method: str) -> None:
    status, body = rest.send(method, "/v1/models/odd")
    assert (status, json.loads(body)) == (
        400,
        {"error": f"Malformed request: {method} /v1/models/odd"},
    )


def mutated(chance: random.Random) -> bytes:
    """A request that was good before some of its bytes were changed, doubled or lost."""
    seeds = (GOOD, steps(1), b'{"signature_name": "two", "inputs": {"a": [1], "b": [-1e9]}}')
    body = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(body))
        kind = chance.randrange(4)
        if kind == 0:
            body[at] = chance.randrange(256)
        elif kind == 1:
            del body[at : at + chance.randint(1, 4)]
        elif kind == 2:
            body[at:at] = body[at : at + 8] * chance.randint(1, 50)
        else:
            body[at:at] = chance.choice(STRANGE)
        if not body:
            return bytes(body)
    return bytes(body)


def resident_bytes(process_id: int) -> int:
    pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    return pages * 4096


def test_hostile_requests_get_a_status_each_and_cost_no_memory(rest: Rest) -> None:
    chance = random.Random(5)
    process = rest.server.process
    paths = (PREDICT, "/v1/models/odd:classify", "/v1/models/odd:regress")
    statuses: set[int] = set()
    connection = http.client.HTTPConnection("127.0.0.1", rest.port, timeout=DEADLINE_S)
    before = 0
    for count in range(HOSTILE):
        if count == HOSTILE // 4:
            before = resident_bytes(process.pid)
        connection.request("POST", chance.choice(paths), mutated(chance))
        response = connection.getresponse()
        statuses.add(response.status)
        assert response.read()
    connection.close()
    # No 500: each is the sender's fault, or good after all, or counts for too long.
    assert statuses <= {200, 400, 404, 413, 504}
    assert rest.send("POST", PREDICT, GOOD)[0] == 200
    assert resident_bytes(process.pid) - before < GROWTH_BYTES


def test_calls_in_flight_end_before_the_server_does(tmp_path: Path) -> None:
    count = 100_000
    with served(tmp_path) as found:
        calling = http.client.HTTPConnection("127.0.0.1", found.port, timeout=DEADLINE_S)
        calling.request("POST", PREDICT, steps(count))
        # Requests are begun in their order, so the first one runs when this is answered.
        assert found.send("GET", "/v1/models/odd")[0] == 200
        found.server.process.send_signal(signal.SIGTERM)
        response = calling.getresponse()
        assert (response.status, json.loads(response.read())) == (200, {"outputs": count})
        calling.close()
        assert found.server.process.wait(DEADLINE_S) == 0


def test_a_taken_port_is_told_before_models_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_to_its_end(
            "--port=0", f"--rest_api_port={port}", *flags_for("odd", tmp_path / "odd")
        )
    assert (ended.returncode, ended.stderr.strip().splitlines()[-1]) == (
        3,
        f"millrace model-server: cannot listen on 127.0.0.1:{port}: the port is taken or the "
        "address is not ours",
    )


def test_metrics_without_rest_are_told(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "monitoring.config").write_text("prometheus_config { enable: true }")
    ended = run_to_its_end(
        f"--monitoring_config_file={tmp_path / 'monitoring.config'}",
        *flags_for("odd", tmp_path / "odd"),
    )
    assert (ended.returncode, ended.stderr.strip()) == (
        2,
        "millrace model-server: metrics are served on the REST port: give --rest_api_port",
    )
