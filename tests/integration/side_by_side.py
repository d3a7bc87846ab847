"""Several use cases on one cluster: started, stopped, and what each of them has for itself."""

import http.client
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient
from kafka.admin import KafkaAdminClient

from millrace.stack.flink import FlinkCluster
from millrace.stack.ports import HOST
from tests.integration.commands import Env, millrace
from tests.integration.scoring import Kafka, wait_until
from tests.integration.scraped import Sample, scraped

T = TypeVar("T")
DEADLINE_S = 150  # some seconds on a machine that does nothing else
PARTITIONS = 2
CASES: Mapping[str, tuple[str, int]] = {
    "cards": ("tests.integration.named:CARDS", 2),
    "fleet": ("tests.integration.named:FLEET", 1),
    "shop": ("tests.integration.named:SHOP", 1),
}
"""Reference and parallelism of each use case by its name: the four slots of the cluster."""
DEPLOYMENTS = tuple(f"millrace-{name}" for name in CASES)


class Outcome(msgspec.Struct):
    """What is looked at of a prediction or a dead letter of a raw record."""

    source_partition: int
    source_offset: int
    source_topic: str = ""
    route: str = ""
    model_version: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Ground:
    """A cluster, and what the commands are told.

    Attributes:
        flink: two TaskManagers of two slots each.
        metrics_ports: of the Prometheus reporters of its processes.
        env: of the commands; the model server in it has a model for each use case.
        bootstrap_servers: the broker.
    """

    flink: FlinkCluster
    metrics_ports: tuple[int, ...]
    env: Env
    bootstrap_servers: str

    def outcomes(self, name: str) -> list[Outcome]:
        """The committed outcomes of a use case's raw records."""
        kafka = Kafka(self.bootstrap_servers, name, PARTITIONS)
        rows = [*kafka.committed("predictions"), *kafka.committed("dead-letters")]
        found = [msgspec.json.decode(row, type=Outcome) for row in rows]
        # Labels of malformed records find no record, and are dead letters too.
        return [row for row in found if row.source_topic in {"", f"{name}.raw"}]

    def samples(self) -> list[Sample]:
        """What Prometheus would read of the cluster now."""
        return [sample for port in self.metrics_ports for sample in scraped(port)]


@dataclass(frozen=True)
class SideBySide:
    """Use cases of which each has a job of its own on one cluster.

    Attributes:
        ground: where they run.
        folder: where commands are called; state goes below it.
    """

    ground: Ground
    folder: Path

    def begin(self, count: int) -> dict[str, str]:
        """Makes the topics, sends so many records to each, submits; the jobs' ids by name."""

        def begin(name: str) -> str:
            self._millrace("topics", "apply", CASES[name][0])
            self._produce(name, count, seed=1)
            return self.submit(name)

        return _each(begin)

    def send(self, count: int, seed: int) -> None:
        """Sends so many more records to each."""
        _each(lambda name: self._produce(name, count, seed))

    def submit(self, name: str) -> str:
        """Submits the job of a use case; its id."""
        return self._millrace(*self._run(name)).strip()

    def refusal(self, name: str) -> str:
        """What is said when the job of a use case is submitted and refused."""
        return millrace(self.folder, self.ground.env, *self._run(name), status=2).stderr

    def cancel(self, job: str) -> None:
        """Cancels a job and waits until it has ended."""
        connection = http.client.HTTPConnection(HOST, self.ground.flink.port, timeout=10)
        connection.request("PATCH", f"/jobs/{job}?mode=cancel")
        assert connection.getresponse().status == http.client.ACCEPTED
        wait_until(lambda: self.state(job) == "CANCELED", "the end of a job", DEADLINE_S)

    def state(self, job: str) -> str:
        """The state of a job."""
        return str(self.ground.flink.get(f"/jobs/{job}")["state"])

    def wait_for_outcomes(self, names: Iterable[str], count: int) -> None:
        """Returns once each has so many outcomes; fails when a record has two."""
        for name in names:
            self._wait_for_outcomes(name, count)

    def _wait_for_outcomes(self, name: str, count: int) -> None:
        wait_until(lambda: len(self.places(name)) >= count, f"{count} of {name}", DEADLINE_S)
        found = self.places(name)
        assert (len(found), len(set(found))) == (count, count), name

    def places(self, name: str) -> list[tuple[int, int]]:
        """Partition and offset of each outcome of a use case."""
        found = self.ground.outcomes(name)
        return [(row.source_partition, row.source_offset) for row in found]

    def routes(self, name: str) -> set[tuple[str, int | None]]:
        """Who answered: route and version of the predictions of a use case."""
        return {(row.route, row.model_version) for row in self.ground.outcomes(name) if row.route}

    def groups(self) -> dict[str, set[str]]:
        """Topics of the offsets that each consumer group has committed."""
        admin = AdminClient({"bootstrap.servers": self.ground.bootstrap_servers})
        found = admin.list_consumer_groups().result(30).valid
        names = [group.group_id for group in found if group.group_id.startswith(DEPLOYMENTS)]
        return {name: self._read_by(admin, name) for name in names}

    @staticmethod
    def _read_by(admin: AdminClient, group: str) -> set[str]:
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        return {place.topic for place in asked[group].result(30).topic_partitions}

    def transactional_id_prefixes(self) -> set[str]:
        """What stands before subtask and checkpoint in the transactional ids of these jobs."""
        admin = KafkaAdminClient(bootstrap_servers=self.ground.bootstrap_servers)
        try:
            listed = chain.from_iterable(admin.list_transactions().values())
        finally:
            admin.close()
        found = [transaction.transactional_id for transaction in listed]
        return {name.rsplit("-", 2)[0] for name in found if name.startswith(DEPLOYMENTS)}

    def checkpoints(self) -> dict[str, set[str]]:
        """Job ids that have a complete checkpoint, by the folder of the deployment."""
        found: dict[str, set[str]] = {}
        for file in (self.folder / ".millrace" / "checkpoints").glob("*/*/chk-*/_metadata"):
            found.setdefault(file.parts[-4], set()).add(file.parts[-3])
        return found

    def wait_for_metrics(self, records: Mapping[str, int]) -> None:
        """Returns once the metrics of each job tell so many raw records, and no other job does."""
        # The reporter writes an underscore for each character that is no letter or digit.
        wanted = {(name, f"score_{name}__millrace_{name}_"): n for name, n in records.items()}
        wait_until(lambda: self._counted() == wanted, f"metrics {wanted}", DEADLINE_S)

    def _counted(self) -> dict[tuple[str, str], int]:
        """Raw records that came in, by the labels `use_case` and `job_name`."""
        found: dict[tuple[str, str], int] = {}
        for sample in self.ground.samples():
            if sample.name.endswith("_use_case_records"):
                key = sample.labels["use_case"], sample.labels["job_name"]
                found[key] = found.get(key, 0) + int(sample.value)
        return found

    def _run(self, name: str) -> tuple[str, ...]:
        address = self.ground.flink.rest_address
        return ("run", "score", "--use-case", CASES[name][0], "--cluster", address)

    def _produce(self, name: str, count: int, seed: int) -> None:
        made = ("--count", str(count), "--seed", str(seed), "--malformed", "0.01")
        self._millrace("produce", CASES[name][0], *made)

    def _millrace(self, *arguments: str) -> str:
        parallelism = next((n for case, n in CASES.values() if case in arguments), 1)
        env = {**self.ground.env, "MILLRACE_SCORE__PARALLELISM": str(parallelism)}
        return millrace(self.folder, env, *arguments).stdout


def _each(call: Callable[[str], T]) -> dict[str, T]:
    """What a call gives for each use case; all at once, since each is mostly a process's start."""
    with ThreadPoolExecutor(len(CASES)) as pool:
        return dict(zip(CASES, pool.map(call, CASES), strict=True))
