"""Ten thousand hostile requests: a status for each, the process lives, memory does not grow."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import grpc.aio
import numpy as np

from millrace.model_server import wire
from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import ServerProcess, running
from udfs.client import tensors

REQUESTS = 10_000
CONCURRENT = 16
DEADLINE_S = 30.0
LIMIT_BYTES = 1 << 20
GROWTH_BYTES = 24 << 20
C = grpc.StatusCode
Request: TypeAlias = tuple[str, bytes]
_PREDICTION = "/tensorflow.serving.PredictionService"
_MODEL = "/tensorflow.serving.ModelService"
METHODS = (
    *(f"{_PREDICTION}/{name}" for name in ("Predict", "Classify", "Regress", "MultiInference")),
    f"{_PREDICTION}/GetModelMetadata",
    f"{_MODEL}/GetModelStatus",
    f"{_MODEL}/HandleReloadConfigRequest",
)
DIMENSIONS = (-(2**63), -1, 0, 1, 2, 3, 2**20, 2**31, 2**40, 2**60, 2**62, 2**63 - 1)
PATHS = ("../../etc", "/models/../etc", "file:///etc", "/etc", "", "/", "\x00", "/leads-out", "~")


def tensor(chance: random.Random) -> Any:
    """A tensor whose type, shape and values need not fit each other."""
    made = wire.Tensor(dtype=chance.choice([*range(-1, 30), 101, 2**31 - 1]))
    for _ in range(chance.choice([0, 1, 2, 2, 3, 70, 300])):
        made.tensor_shape.dim.add(size=chance.choice(DIMENSIONS))
    made.tensor_shape.unknown_rank = chance.random() < 0.1
    for field in ("int_val", "int64_val", "half_val"):
        if chance.random() < 0.2:
            getattr(made, field).extend(chance.choices(range(-5, 99), k=chance.randrange(4)))
    for field in ("float_val", "double_val", "string_val", "bool_val"):
        if chance.random() < 0.3:
            getattr(made, field).append(chance.randbytes(chance.randrange(12)))
    if chance.random() < 0.3:
        made.tensor_content = chance.randbytes(chance.choice([1, 8, 72, 40_000]))
    return made


def predict(chance: random.Random) -> Request:
    request = wire.PredictRequest()
    request.model_spec.name = chance.choice(["odd", "echo", "none", ""])
    names = ("", "two", "missing", "float32", "string", "bool", "int8", "complex64")
    request.model_spec.signature_name = chance.choice(names)
    for name in chance.sample(["x", "a", "b", ""], chance.randrange(3)):
        request.inputs[name].CopyFrom(tensor(chance))
    request.output_filter.extend(chance.sample(["y", "sum", "z"], chance.choice([0, 0, 1, 3])))
    return METHODS[0], request.SerializeToString()


def inference(chance: random.Random) -> Request:
    kind = chance.choice([wire.ClassificationRequest, wire.RegressionRequest])
    request = kind()
    request.model_spec.name = chance.choice(["examples", "odd", ""])
    request.model_spec.signature_name = chance.choice(["", "regress", "bare", "x" * 5000])
    for _ in range(chance.randrange(3)):
        request.input.example_list.examples.append(chance.randbytes(chance.randrange(40)))
    return chance.choice(METHODS[1:3]), request.SerializeToString()


def configuration(chance: random.Random) -> Request:
    request = wire.ReloadConfigRequest()
    for _ in range(chance.randrange(3)):
        config = request.config.model_config_list.config.add()
        config.name = chance.choice(["odd", "new", "../new", ""])
        config.base_path = chance.choice(PATHS)
        config.model_platform = chance.choice(["tensorflow", "onnxruntime", "other", ""])
        config.version_labels["stable"] = chance.choice([-1, 1, 2**63 - 1])
    if not request.config.model_config_list.config:
        request.config.custom_model_config.SetInParent()
    return METHODS[6], request.SerializeToString()


def fitting() -> Request:
    """A request that is answered."""
    request = wire.PredictRequest()
    request.model_spec.name = "odd"
    tensors.encode(np.ones((3, 2), np.float32), request.inputs["x"])
    return METHODS[0], request.SerializeToString()


def large() -> Request:
    """One that is read in place, and answered."""
    request = wire.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "echo", "float32"
    tensors.encode(np.ones((5000, 2), np.float32), request.inputs["x"])
    return METHODS[0], request.SerializeToString()


def noise(chance: random.Random) -> Request:
    return chance.choice(METHODS), chance.randbytes(chance.randrange(200))


def damaged(chance: random.Random) -> Request:
    """A request of another kind, cut off or with some bytes changed."""
    makers: Sequence[Callable[[random.Random], Request]] = (predict, inference)
    whole = chance.choice([fitting(), large(), chance.choice(makers)(chance)])
    message = bytearray(whole[1])
    if chance.random() < 0.5:
        del message[chance.randrange(len(message) + 1) :]
    for _ in range(chance.randrange(5) if message else 0):
        message[chance.randrange(min(len(message), 100))] = chance.randrange(256)
    # A reload that names no model is a right one: it would take the models away.
    others = METHODS[:-1]
    return chance.choice([whole[0], *others]), bytes(message)


def hostile(count: int) -> Iterator[Request]:
    chance = random.Random(20)
    makers = (predict, predict, inference, configuration, noise, damaged, damaged)
    for number in range(count):
        yield makers[number % len(makers)](chance)


async def ended(target: str, requests: Iterator[Request]) -> Counter[grpc.StatusCode]:
    """How many requests ended with each status."""
    codes: Counter[grpc.StatusCode] = Counter()
    async with grpc.aio.insecure_channel(target) as channel:
        raw: Any = channel.unary_unary
        calls = {method: raw(method) for method in METHODS}

        async def caller() -> None:
            for method, message in requests:
                try:
                    await calls[method](message, timeout=DEADLINE_S)
                    codes[C.OK] += 1
                except grpc.aio.AioRpcError as error:
                    codes[error.code()] += 1

        await asyncio.gather(*[caller() for _ in range(CONCURRENT)])
    return codes


def memory_bytes(server: ServerProcess) -> int:
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the process is gone")


def configured(folder: Path) -> Path:
    models = {"odd": saved_models.odd, "echo": saved_models.echo, "examples": saved_models.examples}
    entries = []
    for name, made in models.items():
        saved_models.publish(made(), folder / name, "1")
        entries.append(
            f'config {{ name: "{name}" base_path: "{folder / name}" model_platform: "tensorflow" }}'
        )
    file = folder / "models.config"
    file.write_text(f"model_config_list {{ {' '.join(entries)} }}")
    return file


def test_hostile_requests_get_a_status_and_leave_nothing_behind(tmp_path: Path) -> None:
    file = configured(tmp_path)
    flags = (
        *(f"--model_config_file={file}", "--allow_reload_config"),
        f"--grpc_max_message_bytes={LIMIT_BYTES}",
    )
    requests = hostile(REQUESTS)
    with running(tmp_path / "log", *flags) as server:
        # What is set up at first use is no growth: the first fifth is not counted.
        codes = asyncio.run(ended(server.target, islice(requests, REQUESTS // 5)))
        before = memory_bytes(server)
        codes += asyncio.run(ended(server.target, requests))
        grown = memory_bytes(server) - before
        after = asyncio.run(ended(server.target, iter([fitting(), large()])))
        log = server.log()
        assert server.process.poll() is None
    # Neither is the server's end of a connection, or a call that nobody answers.
    assert not codes.keys() & {C.UNAVAILABLE, C.DEADLINE_EXCEEDED, C.UNKNOWN, C.CANCELLED}, codes
    assert sum(codes.values()) == REQUESTS
    assert "request_failed" not in log
    assert after == {C.OK: 2}
    assert grown < GROWTH_BYTES, f"{grown / 1e6:.1f} MB more"
