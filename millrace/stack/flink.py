"""A real Flink cluster on this machine: one JobManager, some TaskManagers, a process each."""

import http.client
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from millrace.network_buffers import NETWORK_BUFFERS
from millrace.plain_path import plain_path, worker_python
from millrace.stack.flink_home import (
    JOB_MANAGER,
    TASK_MANAGER,
    flink_command,
    flink_environment,
    memory_options,
    yaml_lines,
)
from millrace.stack.ports import HOST, free_ports
from millrace.stack.processes import ProcessHandle, start, wait_until
from udfs.errors import EnvironmentFault

USUAL_PORT = 8081
_READY_DEADLINE_S = 90.0
_TIMEOUT_S = 5.0


class FlinkCluster:
    """A standalone session cluster; jobs are submitted to `rest_address`.

    Attributes:
        state_dir: configuration, logs and working files go under `flink/` in it.
        port: port of the REST interface and web page, on 127.0.0.1 only.
        job_manager: its process; None before `start`.
        task_managers: their processes, in the order of their start, dead ones included.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        task_managers: int = 1,
        slots: int = 2,
        port: int = 0,
        options: Mapping[str, str] | None = None,
        dies_with_owner: bool = True,
        on_start: Callable[[ProcessHandle], None] = lambda _: None,
    ) -> None:
        """Chooses the ports; starts nothing.

        Args:
            state_dir: where everything goes.
            task_managers: how many to start, of 2 GB each with its share of Python workers.
            slots: slots of each.
            port: preferred port of the REST interface; 0: any free one.
            options: Flink's configuration over the one chosen here.
            dies_with_owner: all processes end when this one dies, in whatever way.
            on_start: told each process as soon as it has an id.
        """
        self.state_dir = state_dir.resolve()
        self.port, self._rpc_port = free_ports(port, 0)
        self.job_manager: ProcessHandle | None = None
        self.task_managers: list[ProcessHandle] = []
        self._wanted = task_managers
        self._slots = slots
        self._options = dict(options or {})
        self._dies_with_owner = dies_with_owner
        self._on_start = on_start
        self._task_manager_memory: tuple[list[str], list[str]] = ([], [])

    @property
    def rest_address(self) -> str:
        """Address for `flink run -m`, `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def directory(self) -> Path:
        """Where everything of this cluster is."""
        return self.state_dir / "flink"

    @property
    def conf_dir(self) -> Path:
        """Configuration directory of the cluster; a client may use it too."""
        return self.directory / "conf"

    def __enter__(self) -> "FlinkCluster":
        """Starts the cluster and waits until all its slots are there."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops all its processes."""
        self.stop()

    def start(self) -> "FlinkCluster":
        """Starts all processes and returns the cluster once every slot is registered.

        Raises:
            EnvironmentFault: Java or Flink is missing, or a process ended or kept silent.
        """
        self._write_configuration()
        memory, arguments = memory_options(self.conf_dir, "GET_JM_RESOURCE_PARAMS")
        self._task_manager_memory = memory_options(self.conf_dir, "GET_TM_RESOURCE_PARAMS")
        try:
            mode = ["--executionMode", "cluster"]
            self.job_manager = self._start("jobmanager", JOB_MANAGER, memory, mode + arguments)
            for _ in range(self._wanted):
                self.start_task_manager()
            self.wait_for_slots(self._wanted * self._slots)
        except BaseException:
            self.stop()
            raise
        return self

    def start_task_manager(self) -> ProcessHandle:
        """Starts one more TaskManager, as an operator does after one was lost."""
        memory, arguments = self._task_manager_memory
        number = len(self.task_managers) + 1
        process = self._start(f"taskmanager-{number}", TASK_MANAGER, memory, arguments)
        self.task_managers.append(process)
        return process

    def wait_for_slots(self, slots: int, deadline_s: float = _READY_DEADLINE_S) -> None:
        """Returns once so many slots are registered.

        Raises:
            EnvironmentFault: the JobManager ended, or they were not there in time.
        """
        # A TaskManager that was lost earlier is no reason: this may wait for the one after it.
        watched = [process for process in self.task_managers if process.alive()]
        watched += [self.job_manager] if self.job_manager else []
        wait_until(lambda: self.slots() >= slots or not all(p.alive() for p in watched), deadline_s)
        for process in watched:
            if not process.alive():
                raise EnvironmentFault(
                    f"{process.name} ended while it started (log: {process.log_path}): "
                    f"{process.reason()}"
                )
        if self.slots() < slots:
            raise EnvironmentFault(
                f"Flink had {self.slots()} of {slots} slots after {deadline_s:.0f} s "
                f"(logs: {self.directory})"
            )

    def slots(self) -> int:
        """How many slots are registered; 0 while the JobManager does not answer."""
        try:
            return int(self.get("/overview")["slots-total"])
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return 0

    def get(self, path: str) -> Any:
        """What Flink's REST interface answers, decoded.

        Raises:
            OSError: it does not answer.
        """
        # Not urllib: it would ask the machine's proxy for a loopback address.
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def stop(self, deadline_s: float = 15.0) -> None:
        """Ends all processes, Python workers included."""
        for process in reversed(self.task_managers):
            process.stop(deadline_s)
        if self.job_manager is not None:
            self.job_manager.stop(deadline_s)
        self.job_manager, self.task_managers = None, []

    def _start(
        self, name: str, main_class: str, memory: list[str], arguments: list[str]
    ) -> ProcessHandle:
        log_path = self.directory / f"{name}.log"
        jvm = [*memory, f"-Dlog.file={log_path}"]
        argv = flink_command(main_class, self.conf_dir, jvm)
        process = start(
            f"Flink {name}",
            [*argv, "--configDir", str(self.conf_dir), *arguments],
            log_path=log_path,
            env=flink_environment(self.conf_dir),
            cwd=self.directory,
            dies_with_owner=self._dies_with_owner,
        )
        self._on_start(process)
        return process

    def _write_configuration(self) -> None:
        self.conf_dir.mkdir(parents=True, exist_ok=True)
        temporary = plain_path(self.directory) / "tmp"
        temporary.mkdir(exist_ok=True)
        options = {**self._own_options(temporary), **self._options}
        (self.conf_dir / "config.yaml").write_text(yaml_lines(options))
        (self.conf_dir / "log4j.properties").write_text(_LOGGING)

    def _own_options(self, temporary: Path) -> dict[str, str]:
        python = worker_python()
        return {
            "jobmanager.rpc.address": HOST,
            "jobmanager.rpc.port": str(self._rpc_port),
            "jobmanager.bind-host": HOST,
            "jobmanager.memory.process.size": "1g",
            "taskmanager.host": HOST,
            "taskmanager.bind-host": HOST,
            "taskmanager.numberOfTaskSlots": str(self._slots),
            "taskmanager.memory.process.size": "2g",
            **NETWORK_BUFFERS,
            "rest.address": HOST,
            "rest.bind-address": HOST,
            "rest.port": str(self.port),
            "rest.bind-port": str(self.port),
            "io.tmp.dirs": str(temporary),
            "python.executable": python,
            "python.client.executable": python,
            # Found dead after ten seconds of silence, not fifty: everything is on one machine.
            "heartbeat.interval": "2000",
            "heartbeat.timeout": "10000",
            # A TaskManager that lost its JobManager ends itself; nothing is left behind.
            "taskmanager.registration.timeout": "30 s",
        }


_LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c{1} %m%n
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.pekko.name = org.apache.pekko
logger.pekko.level = WARN
"""
