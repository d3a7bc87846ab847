"""The HTTP endpoint on a real broker: what was answered is committed, and comes once."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.integration import named
from tests.integration.commands import environment
from tests.integration.test_ingest import NAMED, Raw, json_lines

_DEADLINE_S = 60


@dataclass
class Running:
    """The command `millrace ingest --http`, and where it listens."""

    process: "subprocess.Popen[str]"
    url: str


@contextmanager
def endpoint(servers: str, port: int = 0) -> Iterator[Running]:
    """The endpoint as a process; killed at the end unless it ended."""
    command = [sys.executable, "-m", "millrace", "ingest", NAMED + "POSTED"]
    command += ["--http", f"127.0.0.1:{port}", "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment(servers), stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            assert process.stderr is not None
            told = process.stderr.readline()
            found = re.search(r"listening on (http://\S+)", told)
            assert found is not None, told
            yield Running(process, found[1])
        finally:
            process.kill()


def post(
    url: str, body: bytes, key: str | None = None, **headers: str
) -> tuple[int, dict[str, object], str | None]:
    """Status, answer, and whether it was answered from memory."""
    named_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if key is not None:
        named_headers["Idempotency-Key"] = key
    request = urllib.request.Request(url, body, named_headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer), answer.headers["Idempotency-Replayed"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), None


def post_until_taken(url: str, body: bytes, key: str) -> dict[str, object]:
    """Sends a request again until it is answered with 200, as a client would."""
    end = time.monotonic() + _DEADLINE_S
    while True:
        try:
            status, answer, _ = post(url, body, key)
            if status == 200:
                return answer
        except OSError:
            pass
        assert time.monotonic() < end, f"{key} was not taken within {_DEADLINE_S} s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def raw(bootstrap_servers: str) -> Raw:
    return Raw(bootstrap_servers, named.POSTED)


def test_a_request_is_written_once_and_what_is_wrong_is_told(
    bootstrap_servers: str, raw: Raw
) -> None:
    body = json_lines(0, 2, "posted").encode() + b"not json\n"
    with endpoint(bootstrap_servers) as running:
        url = running.url
        first = post(url, body, "one")
        again = post(url, body, "one")
        wrong = [
            post(url, body),
            post(url, b"other", "one"),
            post(url, b"", "two"),
            post(url, b"x" * (8 * 1024 * 1024 + 1), "three"),
            post(url.replace("records", "nothing"), body, "four"),
        ]
        running.process.send_signal(signal.SIGINT)
        out, _ = running.process.communicate(timeout=30)
    assert (first[0], first[2], again[2]) == (200, None, "true")
    assert first[1] == again[1]
    assert (first[1]["records"], first[1]["unusable"]) == (3, 1)
    assert [status for status, _, _ in wrong] == [400, 422, 400, 413, 404]
    assert all(list(answer) == ["error"] for _, answer, _ in wrong)
    summary = json.loads(out)
    assert (running.process.returncode, summary) == (
        0,
        {
            "topic": "posted.raw",
            "requests": 1,
            "records": 3,
            "unusable": 1,
            "repeated": 1,
            "refused": 5,
        },
    )
    values = sorted(record.value or b"" for record in raw.wait_for(3))
    assert values == sorted(body.splitlines())


def test_requests_are_written_once_over_kill_and_end(bootstrap_servers: str, raw: Raw) -> None:
    before, count = len(raw.committed()), 200
    bodies = {f"key {n}": json_lines(1_000 + 5 * n, 5, "killed").encode() for n in range(count)}
    with ThreadPoolExecutor(8) as clients:
        with endpoint(bootstrap_servers) as first:
            url, port = first.url, int(first.url.split(":")[2].split("/")[0])
            answers = [
                clients.submit(post_until_taken, url, body, key) for key, body in bodies.items()
            ]
            raw.wait_for(before + 100)
            os.kill(first.process.pid, signal.SIGKILL)
        with endpoint(bootstrap_servers, port) as second:
            assert [answer.result()["records"] for answer in answers] == [5] * count
            # Those before the kill are known after it.
            status, _, replayed = post(url, bodies["key 0"], "key 0")
            second.process.send_signal(signal.SIGTERM)
            assert second.process.wait(30) == 0
    assert (status, replayed) == (200, "true")
    found = raw.wait_for(before + 5 * count)
    ids = Counter(json.loads(r.value or b"{}")["transaction_id"] for r in found if r.key)
    killed = {number: times for number, times in ids.items() if number >= 1_000}
    assert killed == dict.fromkeys(range(1_000, 1_000 + 5 * count), 1)
