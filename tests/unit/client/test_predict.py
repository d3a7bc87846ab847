"""The client against servers that answer, fail, stall, lie or are not there."""

import asyncio
import pickle
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import pytest

from tests.unit.client.fake_server import (
    FEATURES,
    SCORES,
    Method,
    answering,
    black_hole,
    failing,
    response,
    serving,
)
from udfs.client import tensors, wire
from udfs.client.options import ClientOptions
from udfs.client.outcomes import (
    Answer,
    Failure,
    FailureReason,
    Outcome,
    VersionState,
    VersionStatus,
)
from udfs.client.predict import PredictionClient


def predicted(method: Method, **options: Any) -> Outcome:
    """One call to a server with this method."""

    async def call() -> Outcome:
        async with serving(method) as target:
            return await called(PredictionClient(target), **options)

    return asyncio.run(call())


async def called(client: PredictionClient, **options: Any) -> Outcome:
    """One call by a client, which is closed afterwards."""
    options.setdefault("deadline_s", 5.0)
    try:
        return await client.predict("fraud", {"features": FEATURES}, **options)
    finally:
        await client.close()


def reason(outcome: object) -> FailureReason:
    assert isinstance(outcome, Failure), outcome
    return outcome.reason


async def never(message: bytes, context: Any) -> bytes:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("the future never ends")


def test_answer_carries_outputs_and_where_they_come_from() -> None:
    answer = predicted(answering(response({"score": SCORES})))
    assert isinstance(answer, Answer)
    assert answer.outputs["score"].tolist() == SCORES.tolist()
    assert (answer.model_name, answer.version, answer.signature_name) == (
        "fraud",
        3,
        "serving_default",
    )


@pytest.mark.parametrize(
    ("options", "version", "label"),
    [
        pytest.param({}, None, "", id="server chooses"),
        pytest.param({"version": 3}, 3, "", id="version"),
        pytest.param({"version": 0}, 0, "", id="version zero"),
        pytest.param({"version_label": "canary"}, None, "canary", id="label"),
    ],
)
def test_request_says_what_was_asked(
    options: dict[str, Any], version: int | None, label: str
) -> None:
    seen: list[bytes] = []

    async def method(message: bytes, context: Any) -> bytes:
        seen.append(message)
        return response({"score": SCORES}, version=options.get("version", 3))

    assert isinstance(predicted(method, signature_name="s", **options), Answer)
    request = wire.PredictRequest.FromString(seen[0])
    spec = request.model_spec
    asked = spec.version.value if spec.HasField("version") else None
    assert (spec.name, spec.signature_name, asked, spec.version_label) == (
        "fraud",
        "s",
        version,
        label,
    )
    assert request.inputs["features"].tensor_content == FEATURES.tobytes()
    assert tensors.decode(request.inputs["features"]).shape == FEATURES.shape


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.name != "OK"])
def test_each_status_of_a_server_is_an_outcome(code: grpc.StatusCode) -> None:
    outcome = predicted(failing(code, "so it is"))
    assert isinstance(outcome, Failure)
    assert outcome.message.endswith(": so it is")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"\xff\xff\xff", id="no message"),
        pytest.param(response({"score": SCORES}, version=None), id="no version"),
        pytest.param(
            wire.PredictResponse(
                model_spec={"name": "fraud", "version": {"value": 3}},
                outputs={"score": wire.Tensor(dtype=20)},
            ).SerializeToString(),
            id="unknown dtype",
        ),
    ],
)
def test_reply_without_meaning_is_a_bad_reply(reply: bytes) -> None:
    assert reason(predicted(answering(reply))) is FailureReason.BAD_REPLY


def test_other_version_than_asked_is_no_answer() -> None:
    outcome = predicted(answering(response({"score": SCORES}, version=4)), version=3)
    assert reason(outcome) is FailureReason.WRONG_VERSION


def test_too_large_reply_is_a_failure_that_no_retry_helps() -> None:
    large = response({"score": np.zeros(100_000, np.float32)})

    async def call() -> Outcome:
        async with serving(answering(large)) as target:
            return await called(PredictionClient(target, ClientOptions(max_reply_bytes=1000)))

    outcome = asyncio.run(call())
    assert isinstance(outcome, Failure)
    assert (outcome.reason, outcome.retryable) == (FailureReason.REPLY_TOO_LARGE, False)


def test_too_large_request_is_invalid() -> None:
    inputs = {"features": np.zeros(8 << 20, np.uint8)}

    async def call() -> Outcome:
        async with serving(answering(b"")) as target:
            client = PredictionClient(target)
            outcome = await client.predict("fraud", inputs, deadline_s=5.0)
            await client.close()
            return outcome

    # The fake server keeps gRPC's default limit of 4 MiB.
    assert reason(asyncio.run(call())) is FailureReason.INVALID_REQUEST


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param({"features": np.array(["2020-01-01"], "datetime64[D]")}, id="dates"),
        pytest.param({"features": np.array([object()])}, id="objects"),
    ],
)
def test_array_without_a_tensorflow_type_is_invalid(inputs: dict[str, Any]) -> None:
    async def call() -> Outcome:
        return await PredictionClient("127.0.0.1:1").predict("fraud", inputs, deadline_s=1.0)

    assert reason(asyncio.run(call())) is FailureReason.INVALID_REQUEST


def test_version_and_label_together_are_invalid() -> None:
    outcome = asyncio.run(called(PredictionClient("127.0.0.1:1"), version=1, version_label="x"))
    assert reason(outcome) is FailureReason.INVALID_REQUEST


def test_server_that_is_down_fails_at_once() -> None:
    with socket.socket() as taken:
        # Bound but not listening: connections are refused, and nobody else gets the port.
        taken.bind(("127.0.0.1", 0))
        client = PredictionClient(f"127.0.0.1:{taken.getsockname()[1]}")
        start = time.monotonic()
        outcome = asyncio.run(called(client, deadline_s=30.0))
    assert reason(outcome) is FailureReason.UNAVAILABLE
    assert time.monotonic() - start < 10.0


@pytest.mark.parametrize("place", [lambda: serving(never), black_hole], ids=["slow", "black hole"])
def test_call_ends_at_its_deadline(place: Callable[[], Any]) -> None:
    async def call() -> tuple[Outcome, float]:
        async with place() as target:
            start = time.monotonic()
            outcome = await called(PredictionClient(target), deadline_s=0.2)
            return outcome, time.monotonic() - start

    outcome, seconds = asyncio.run(call())
    assert reason(outcome) in {FailureReason.DEADLINE, FailureReason.UNAVAILABLE}
    assert 0.1 < seconds < 2.0


def test_call_without_time_left_is_a_deadline() -> None:
    outcome = asyncio.run(called(PredictionClient("127.0.0.1:1"), deadline_s=0.0))
    assert reason(outcome) is FailureReason.DEADLINE


def in_flight(end: Callable[[PredictionClient, asyncio.Task[Outcome]], Awaitable[None]]) -> Outcome:
    """The outcome of a call that is in flight when `end` is done to it."""

    async def call() -> Outcome:
        arrived = asyncio.Event()

        async def method(message: bytes, context: Any) -> bytes:
            arrived.set()
            return await never(message, context)

        async with serving(method) as target:
            client = PredictionClient(target)
            inputs = {"features": FEATURES}
            task = asyncio.ensure_future(client.predict("fraud", inputs, deadline_s=20.0))
            await arrived.wait()
            await end(client, task)
            try:
                return await task
            finally:
                await client.close()

    return asyncio.run(call())


def test_cancelled_caller_sees_its_cancellation() -> None:
    async def cancel(client: PredictionClient, task: asyncio.Task[Outcome]) -> None:
        task.cancel()

    with pytest.raises(asyncio.CancelledError):
        in_flight(cancel)


def test_closing_the_client_ends_calls_as_failures() -> None:
    async def close(client: PredictionClient, task: asyncio.Task[Outcome]) -> None:
        await client.close()

    assert reason(in_flight(close)) is FailureReason.CANCELLED


def test_closed_client_opens_no_channel() -> None:
    async def call() -> Outcome:
        client = PredictionClient("127.0.0.1:1")
        await client.close()
        return await called(client)

    assert reason(asyncio.run(call())) is FailureReason.CANCELLED


def test_client_works_on_one_loop_after_another() -> None:
    client = PredictionClient("")

    async def call() -> bool:
        async with serving(answering(response({"score": SCORES}))) as target:
            client.endpoints[0].target = target
            outcome = await client.predict("fraud", {"features": FEATURES}, deadline_s=5.0)
            return isinstance(outcome, Answer)

    assert (asyncio.run(call()), asyncio.run(call())) == (True, True)


def test_server_that_comes_back_is_found_again() -> None:
    async def call() -> Outcome:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            client = PredictionClient(f"127.0.0.1:{port}")
            first = await client.predict("fraud", {"features": FEATURES}, deadline_s=5.0)
            assert reason(first) is FailureReason.UNAVAILABLE
        server = grpc.aio.server()
        raw: Any = grpc.unary_unary_rpc_method_handler
        handler = raw(answering(response({"score": SCORES})))
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "tensorflow.serving.PredictionService", {"Predict": handler}
                ),
            )
        )
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        end = time.monotonic() + 15.0
        outcome = first
        while isinstance(outcome, Failure) and time.monotonic() < end:
            outcome = await client.predict("fraud", {"features": FEATURES}, deadline_s=5.0)
        await client.close()
        await server.stop(None)
        return outcome

    assert isinstance(asyncio.run(call()), Answer)


def test_client_travels_by_pickle() -> None:
    client = pickle.loads(pickle.dumps(PredictionClient("127.0.0.1:1")))
    assert reason(asyncio.run(called(client))) is FailureReason.UNAVAILABLE


def test_model_status_lists_versions_newest_first() -> None:
    reply = wire.GetModelStatusResponse()
    reply.model_version_status.add(version=1, state=50).status.error_code = 3
    reply.model_version_status.add(version=2, state=30)

    async def call() -> list[VersionStatus] | Failure:
        async with serving(answering(reply.SerializeToString())) as target:
            client = PredictionClient(target)
            found = await client.model_status("fraud", deadline_s=5.0)
            await client.close()
            return found

    assert asyncio.run(call()) == [
        VersionStatus(2, VersionState.AVAILABLE, 0, ""),
        VersionStatus(1, VersionState.END, 3, ""),
    ]


def test_model_status_of_a_server_that_is_none() -> None:
    async def call() -> list[VersionStatus] | Failure:
        async with serving(failing(grpc.StatusCode.UNIMPLEMENTED, "")) as target:
            client = PredictionClient(target)
            found = await client.model_status("fraud", deadline_s=5.0, version=1)
            await client.close()
            return found

    assert reason(asyncio.run(call())) is FailureReason.NOT_A_MODEL_SERVER
