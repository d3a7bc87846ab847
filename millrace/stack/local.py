"""The local stack as one: a broker, a model server and a Flink cluster, up and down together."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from millrace.settings import Settings
from millrace.stack.broker import Broker
from millrace.stack.flink import FlinkCluster
from millrace.stack.model_server import ModelServer
from millrace.stack.processes import ProcessHandle
from millrace.stack.record import Service, StackRecord
from udfs.errors import EnvironmentFault

BROKER, MODEL_SERVER, FLINK = PARTS = ("broker", "model-server", "flink")
DEMO = "demo"
"""Folder of a demo in the state directory, which has a stack of its own."""

Tell = Callable[[str], None]
"""Takes a line about progress."""


@dataclass(frozen=True)
class PartStatus:
    """How a part of the stack is.

    Attributes:
        part: `broker`, `model-server` or `flink`.
        address: `host:port`.
        pids: its processes that run.
        dead: names of its processes that ended by themselves, with their logs.
    """

    part: str
    address: str
    pids: list[int]
    dead: list[str]


class LocalStack:
    """The stack of one state directory.

    As a context manager it is up inside the block, dies with this process and is gone after it
    (the demo, tests). `up` without the block leaves it running for later commands.

    Attributes:
        settings: its ports and sizes, and where its state goes.
        record: what runs.
    """

    def __init__(
        self,
        settings: Settings,
        model_name: str,
        *,
        parts: tuple[str, ...] = PARTS,
        dies_with_owner: bool = True,
        tell: Tell = lambda _: None,
    ) -> None:
        """Starts nothing.

        Args:
            settings: its ports and sizes, and where its state goes.
            model_name: the model that the model server serves.
            parts: which of `PARTS` to start.
            dies_with_owner: everything ends when this process dies, in whatever way.
            tell: takes lines about progress.
        """
        self.settings = settings
        self.record = StackRecord(settings.stack.state_dir)
        self._model_name = model_name
        self._parts = parts
        self._dies_with_owner = dies_with_owner
        self._tell = tell

    def __enter__(self) -> "LocalStack":
        """Starts the stack."""
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops the stack."""
        down(self.record.state_dir)

    @property
    def addresses(self) -> dict[str, str]:
        """Where each part is reached, `host:port` by part."""
        return {service.part: service.address for service in self.record.services()}

    def up(self) -> None:
        """Starts what does not run yet; a part with a dead process is started anew.

        Raises:
            EnvironmentFault: this machine lacks something, or a part did not come up; then what
                this call started is stopped again, as it is by Ctrl-C.
        """
        with self.record.locked():
            self._drop_broken_parts()
            before = {service.process.pid for service in self.record.services()}
            try:
                for part in self._parts:
                    if part not in self.addresses:
                        self._start(part)
            except BaseException:
                _stop([s for s in self.record.services() if s.process.pid not in before])
                self._drop_broken_parts()
                raise
            finally:
                self._publish()

    def _start(self, part: str) -> None:
        starters = {
            BROKER: self._start_broker,
            MODEL_SERVER: self._start_model_server,
            FLINK: self._start_flink,
        }
        self._tell(f"starting the {part}")
        address = starters[part]()
        self.record.move(part, address)
        self._tell(f"{part}: {address}")

    def _start_broker(self) -> str:
        return (
            Broker(
                self.record.state_dir,
                port=self.settings.stack.kafka_port,
                heap=self.settings.stack.broker_heap,
                dies_with_owner=self._dies_with_owner,
                on_start=self._recorder(BROKER),
            )
            .start()
            .bootstrap_servers
        )

    def _start_model_server(self) -> str:
        return (
            ModelServer(
                self.record.state_dir,
                model_name=self._model_name,
                base_path=self.settings.models_path,
                port=self.settings.stack.serving_port,
                dies_with_owner=self._dies_with_owner,
                on_start=self._recorder(MODEL_SERVER),
            )
            .start()
            .target
        )

    def _start_flink(self) -> str:
        return (
            FlinkCluster(
                self.record.state_dir,
                task_managers=self.settings.stack.task_managers,
                slots=self.settings.stack.task_slots,
                port=self.settings.stack.flink_port,
                dies_with_owner=self._dies_with_owner,
                on_start=self._recorder(FLINK),
            )
            .start()
            .rest_address
        )

    def _recorder(self, part: str) -> Callable[[ProcessHandle], None]:
        """Records a process at its start: a crash of this command must not lose sight of it."""
        return lambda process: self.record.add(Service(part, "", process))

    def _drop_broken_parts(self) -> None:
        """Stops and forgets the parts of which a process is dead."""
        services = self.record.services()
        broken = {s.part for s in services if not s.process.alive()}
        _stop([s for s in services if s.part in broken])
        self.record.replace_all([s for s in services if s.part not in broken])

    def _publish(self) -> None:
        found = self.addresses
        if not found:
            self.record.clear()
            return
        addresses: dict[str, dict[str, object]] = {}
        if BROKER in found:
            addresses["kafka"] = {"bootstrap_servers": found[BROKER]}
        if MODEL_SERVER in found:
            addresses["serving"] = {"target": found[MODEL_SERVER]}
        if FLINK in found:
            addresses["stack"] = {"flink_port": int(found[FLINK].rpartition(":")[2])}
        self.record.publish(addresses)


def status(state_dir: Path) -> list[PartStatus]:
    """How each recorded part of the stack is, in the order of their start."""
    services = StackRecord(state_dir).services()
    parts = dict.fromkeys(service.part for service in services)
    return [_part_status(part, [s for s in services if s.part == part]) for part in parts]


def down(state_dir: Path, *, purge: bool = False) -> list[str]:
    """Stops every process of the stack, the last one started first; names what it stopped.

    Args:
        state_dir: the state directory.
        purge: remove the data of the broker and of Flink too; models stay.

    Raises:
        EnvironmentFault: a process could not be stopped.
    """
    record = StackRecord(state_dir)
    if not record.state_dir.exists():
        return []
    with record.locked():
        running = record.running()
        _stop(record.services())
        left = [service.process.name for service in record.running()]
        if left:
            raise EnvironmentFault(f"could not stop {', '.join(left)}; try again as their owner")
        record.clear()
        if purge:
            for folder in ("kafka", "flink", "serving", "checkpoints"):
                shutil.rmtree(record.state_dir / folder, ignore_errors=True)
    return [service.process.name for service in running]


def _stop(services: list[Service]) -> None:
    for service in reversed(services):
        try:
            service.process.stop()
        except PermissionError:
            continue  # another user's; `down` names what is left


def _part_status(part: str, services: list[Service]) -> PartStatus:
    alive = {service.process.pid for service in services if service.process.alive()}
    dead = [s.process for s in services if s.process.pid not in alive]
    return PartStatus(
        part,
        services[0].address,
        sorted(alive),
        [f"{process.name} (log: {process.log_path})" for process in dead],
    )
