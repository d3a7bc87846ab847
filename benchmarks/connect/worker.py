"""A Kafka Connect worker in distributed mode, and what its REST API is asked for."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.connect.postgres import PASSWORD, Postgres
from benchmarks.kill.job import NotMeasured
from millrace.stack.jars import built, kafka_classpath
from millrace.stack.java import java_command
from millrace.stack.ports import HOST, free_ports
from millrace.stack.processes import ProcessHandle, start, wait_until

_DEADLINE_S = 90.0
_FILES = "org.apache.kafka.common.config.provider.FileConfigProvider"
_JSON = "org.apache.kafka.connect.json.JsonConverter"
_LOGGING = """status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


class Worker:
    """A worker that can be killed and started again; its state is in Kafka."""

    def __init__(self, folder: Path, bootstrap_servers: str) -> None:
        """Builds what is missing, starts nothing."""
        self.folder = folder / "connect"
        self.folder.mkdir()
        (self._port,) = free_ports(0)
        self._classpath = kafka_classpath(built(Path(__file__).parent) / "lib")
        self._secrets = self.folder / "secrets.properties"
        self._secrets.write_text(f"postgres.password={PASSWORD}\n")
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        topics = ("offset", "config", "status")
        properties = {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "connect",
            "listeners": f"http://{HOST}:{self._port}",
            "rest.advertised.host.name": HOST,
            "exactly.once.source.support": "enabled",
            "config.providers": "file",
            "config.providers.file.class": _FILES,
            "key.converter": _JSON,
            "value.converter": _JSON,
            "offset.storage.partitions": "1",
            "status.storage.partitions": "1",
            **{f"{name}.storage.topic": f"connect-{name}s" for name in topics},
            **{f"{name}.storage.replication.factor": "1" for name in topics},
        }
        lines = (f"{name}={value}\n" for name, value in properties.items())
        (self.folder / "worker.properties").write_text("".join(lines))

    def start(self) -> ProcessHandle:
        """Starts the worker; returns once its REST API answers."""
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        settings = self.folder / "worker.properties"
        main = "org.apache.kafka.connect.cli.ConnectDistributed"
        process = start(
            "Connect worker",
            [java_command(), "-Xmx1g", logging, "-cp", self._classpath, main, str(settings)],
            log_path=self.folder / "worker.log",
        )
        if not wait_until(lambda: not process.alive() or self._answers(), _DEADLINE_S):
            process.kill()
        if not process.alive():
            raise NotMeasured(f"the Connect worker did not come up: {process.reason()}")
        return process

    def apply(self, example: Path, database: Postgres) -> str:
        """Makes a connector of an example; only host, port and password are others.

        Returns:
            The connector's name.
        """
        connector = json.loads(example.read_text())
        config = connector["config"]
        config["database.hostname"], config["database.port"] = HOST, str(database.port)
        place = config["database.password"].split(":")[1]
        config["database.password"] = config["database.password"].replace(place, str(self._secrets))
        self._ask("/connectors", connector)
        return str(connector["name"])

    def wait_until_running(self, connector: str) -> None:
        """Waits until the connector's task runs."""
        if not wait_until(lambda: self._states(connector) == ["RUNNING"], _DEADLINE_S):
            raise NotMeasured(f"the connector does not run; its worker's log: {self.folder}")

    def _states(self, connector: str) -> list[str]:
        try:
            tasks = self._ask(f"/connectors/{connector}/status")["tasks"]
        except urllib.error.HTTPError:  # 404 until its status is known, 409 while a group forms
            return []
        return [task["state"] for task in tasks]

    def _answers(self) -> bool:
        try:
            self._ask("/connectors")
        except OSError:
            return False
        return True

    def _ask(self, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://{HOST}:{self._port}{path}",
            data=None if body is None else msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
