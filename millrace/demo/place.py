"""Where a demo keeps its state, so that it neither meets nor harms anything else."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

from millrace.settings import Settings
from millrace.settings.loading import ADDRESSES_FILE
from millrace.stack.local import DEMO, down
from millrace.stack.record import StackRecord
from udfs.errors import EnvironmentFault

_ARCHIVE_INTERVAL_MS = 10_000


@contextmanager
def fresh(settings: Settings) -> Iterator[Path]:
    """An empty directory for this demo under the state directory, for it alone.

    What an earlier demo left there is removed. At a good end broker data and checkpoints go as
    well; the logs stay. After a failure all of it stays.

    Raises:
        EnvironmentFault: another demo runs, or the directory cannot be written.
    """
    state_dir = settings.stack.state_dir.resolve()
    place = state_dir / DEMO
    with _locked(state_dir):
        try:
            down(place)
            if place.exists():
                shutil.rmtree(place)
            (place / "logs").mkdir(parents=True)
        except OSError as error:
            raise EnvironmentFault(f"{place} cannot be written: {error.strerror}") from error
        yield place
        for bulky in ("kafka/data", "checkpoints"):
            shutil.rmtree(place / bulky, ignore_errors=True)


def local_settings(
    settings: Settings, place: Path, serving_port: int, *, features_topic: bool
) -> Settings:
    """The settings with everything at its place on this machine; only models stay where they are.

    Feature rows are written where somebody asks for them.

    A cluster that the settings name is not touched: the demo has a broker of its own.
    """
    kafka: dict[str, object] = {
        "properties": {},
        "properties_file": None,
        "replication_factor": None,
    }
    stack = {"state_dir": place, "serving_port": serving_port}
    score: dict[str, object] = {"checkpoint_dir": None}
    if features_topic:
        score["features_topic"] = True
    archive = {
        "path": place / "archive",
        "checkpoint_interval_ms": min(
            settings.archive.checkpoint_interval_ms, _ARCHIVE_INTERVAL_MS
        ),
    }
    return settings.model_copy(
        update={
            "kafka": settings.kafka.model_copy(update=kafka),
            "serving": settings.serving.model_copy(update={"target": f"127.0.0.1:{serving_port}"}),
            "score": settings.score.model_copy(update=score),
            "archive": settings.archive.model_copy(update=archive),
            "stack": settings.stack.model_copy(update=stack),
            "models": settings.models.model_copy(update={"base_path": settings.models_path}),
        }
    )


def with_broker(settings: Settings, bootstrap_servers: str) -> Settings:
    """The settings with another broker."""
    kafka = settings.kafka.model_copy(update={"bootstrap_servers": bootstrap_servers})
    return settings.model_copy(update={"kafka": kafka})


@contextmanager
def announced(state_dir: Path, local: Settings) -> Iterator[bool]:
    """Lets other commands reach the demo without a flag, unless a stack of `millrace up` runs.

    Yields whether they do.
    """
    record = StackRecord(state_dir)
    if record.running():
        yield False
        return
    addresses: dict[str, dict[str, Any]] = {
        "kafka": {"bootstrap_servers": local.kafka.bootstrap_servers},
        "serving": {"target": local.serving.target},
        "archive": {"path": str(local.archive_path)},
    }
    record.publish(addresses)
    try:
        yield True
    finally:
        # A stack that came up meanwhile has its own addresses there.
        with suppress(OSError, ValueError):
            file = record.state_dir / ADDRESSES_FILE
            if json.loads(file.read_text()) == addresses:
                file.unlink()


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = (state_dir / f"{DEMO}.lock").open("w")
    except OSError as error:
        raise EnvironmentFault(f"{state_dir} cannot be written: {error.strerror}") from error
    with lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except OSError as error:
            raise EnvironmentFault(
                f"another demo runs in {state_dir}; end it first, or set stack.state_dir"
            ) from error
        yield
