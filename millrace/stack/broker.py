"""A real Kafka broker on this machine: one node in KRaft mode, reachable on loopback only."""

import base64
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from millrace.stack.jars import ensure_kafka_jars, kafka_classpath
from millrace.stack.java import java_command
from millrace.stack.ports import HOST, free_ports
from millrace.stack.processes import ProcessHandle, failure_reason, start, wait_until
from udfs.errors import EnvironmentFault

USUAL_PORT = 9092
_USUAL_CONTROLLER_PORT = 9093
_READY_DEADLINE_S = 60.0

# One node: every internal topic has one replica, and few partitions, so that start and the first
# transaction do not wait for fifty of each.
_ONE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "transaction.max.timeout.ms": "900000",
    "auto.create.topics.enable": "false",
    # A node that a busy machine held up gets in touch again before its controller looks.
    "broker.heartbeat.interval.ms": "500",
    "log.retention.check.interval.ms": "60000",
    # The default of 128 MiB is an eighth of the heap, for two compacted topics of a few records.
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.cleaner.threads": "1",
}

# A broker that misses its session loses the lead of all partitions, which helps nobody where no
# other one could take over.
LONG_SESSION_MS = 30_000
# Kafka's own. After kill -9 the new process has to wait for the end of the old one's session.
SHORT_SESSION_MS = 9_000


class Broker:
    """A Kafka broker process whose data outlives it.

    Used as a context manager it is up inside the block and gone after it. Its data stays in
    `state_dir/kafka`, so a broker that is started again on the same directory has its topics.

    Attributes:
        state_dir: holds data, configuration and log of the broker under `kafka/`.
        port: listening port, on 127.0.0.1 only.
        process: the running process; None before `start`.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        port: int = 0,
        heap: str = "1g",
        overrides: Mapping[str, str] | None = None,
        dies_with_owner: bool = True,
        on_start: Callable[[ProcessHandle], None] = lambda _: None,
    ) -> None:
        """Chooses the ports; starts nothing.

        Args:
            state_dir: where data, configuration and log go.
            port: preferred port, another one is taken when it is not free; 0: any free one.
            heap: the JVM's -Xmx.
            overrides: broker settings that go over the ones chosen here.
            dies_with_owner: the broker ends when this process dies, in whatever way.
            on_start: told the process as soon as it has an id.
        """
        self.state_dir = state_dir.resolve()
        controller = _USUAL_CONTROLLER_PORT if port == USUAL_PORT else 0
        self.port, self._controller_port = free_ports(port, controller)
        self.process: ProcessHandle | None = None
        self._heap = heap
        self._overrides = dict(overrides or {})
        self._dies_with_owner = dies_with_owner
        self._on_start = on_start

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients, `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def directory(self) -> Path:
        """Where everything of this broker is."""
        return self.state_dir / "kafka"

    @property
    def data(self) -> Path:
        """Where its topics are."""
        return self.directory / "data"

    @property
    def log_path(self) -> Path:
        """What the broker prints."""
        return self.directory / "broker.log"

    def __enter__(self) -> "Broker":
        """Starts the broker and waits until it answers."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops the broker."""
        self.stop()

    def start(self) -> "Broker":
        """Starts the broker and returns it once an admin client got an answer.

        Raises:
            EnvironmentFault: Java, Maven or JARs are missing, or the broker ended or kept silent.
        """
        java, classpath = java_command(), kafka_classpath(ensure_kafka_jars())
        properties = self._write_properties()
        self._format(java, classpath, properties)
        argv = [java, f"-Xmx{self._heap}", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError"]
        argv += [f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"]
        argv += ["-cp", classpath, "kafka.Kafka", str(properties)]
        self.process = start(
            "Kafka broker",
            argv,
            log_path=self.log_path,
            cwd=self.directory,
            dies_with_owner=self._dies_with_owner,
        )
        try:
            self._on_start(self.process)
            self._wait_until_ready(self.process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, deadline_s: float = 20.0) -> None:
        """Stops the broker cleanly, or by force after the deadline."""
        if self.process is not None:
            self.process.stop(deadline_s)
            self.process = None

    def _write_properties(self) -> Path:
        own = {
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "log.dirs": str(self.data),
            "broker.session.timeout.ms": str(session_ms(self.data)),
        }
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "log4j2.properties").write_text(_LOGGING)
        path = self.directory / "server.properties"
        lines = (f"{key}={value}" for key, value in {**_ONE_NODE, **own, **self._overrides}.items())
        path.write_text("\n".join(lines) + "\n")
        return path

    def _format(self, java: str, classpath: str, properties: Path) -> None:
        """Gives empty storage its cluster id; storage that has one keeps it and its topics."""
        if (self.data / "meta.properties").exists():
            return
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        argv = [java, "-XX:TieredStopAtLevel=1", "-cp", classpath, "kafka.tools.StorageTool"]
        # In one word: one id in 64 begins with a dash.
        argv += ["format", f"--cluster-id={cluster_id}", "--config", str(properties)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise EnvironmentFault(
                f"Kafka could not format {self.directory}: "
                f"{failure_reason(done.stdout + done.stderr)}"
            )

    def _wait_until_ready(self, process: ProcessHandle) -> None:
        wait_until(lambda: not process.alive() or self.answers(), _READY_DEADLINE_S)
        if not process.alive():
            raise EnvironmentFault(
                f"the Kafka broker ended while it started (log: {self.log_path}): "
                f"{process.reason()}"
            )
        if not self.answers():
            raise EnvironmentFault(
                f"the Kafka broker did not answer within {_READY_DEADLINE_S:.0f} s "
                f"(log: {self.log_path})"
            )

    def answers(self) -> bool:
        """True when an admin client gets the cluster's description with one broker in it."""
        from millrace.kafka.admin import broker_count  # noqa: PLC0415

        return broker_count(self.bootstrap_servers) == 1


def session_ms(data: Path) -> int:
    """How long a broker may keep silent before it loses the lead of its partitions.

    Long for a new broker and after a clean end, short after a run that was killed.
    """
    clean = not data.exists() or (data / ".kafka_cleanshutdown").exists()
    return LONG_SESSION_MS if clean else SHORT_SESSION_MS


_LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRefs = out
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %p %m (%c{1})%n
logger.kafka.name = kafka.server
logger.kafka.level = INFO
logger.fences.name = org.apache.kafka.controller.ReplicationControlManager
logger.fences.level = INFO
"""
