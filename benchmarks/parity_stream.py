"""Feature rows of transactions and labels that went through the score job, in both orders."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.progress import say
from benchmarks.reading import chunks
from jobs.local import running
from jobs.options import score_options
from jobs.score import ON_ARRIVAL, ON_WATERMARK, Order, ScoreOptions
from millrace.kafka.cluster import cluster
from millrace.kafka.topics import LABELS, RAW, apply
from millrace.settings import KafkaSettings, ScoreSettings, ServingSettings, Settings, StackSettings
from millrace.sources.labels import label_record
from millrace.sources.produce import produce
from millrace.sources.records import encoded
from millrace.stack.broker import Broker
from millrace.stack.jars import ensure_flink_jars
from training.replay import Changes
from udfs.records import LabelChange
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_records import Transaction

PARTITIONS, PARALLELISM = 4, 2
_ORDERS: tuple[Order, ...] = (ON_WATERMARK, ON_ARRIVAL)
_NO_SERVER = "127.0.0.1:1"


class _FeatureRow(msgspec.Struct):
    business_id: int
    sequence: int
    second_sequence: int
    late: bool
    features: list[float]


@dataclass(frozen=True)
class Rows:
    """Feature rows as a consumer that reads committed data sees them.

    Attributes:
        business_ids: int64, (n,).
        sequence: of the customer, int64, (n,).
        second_sequence: of the terminal, int64, (n,).
        features: float64, (n, f).
        changes: what changed by labels.
        late: how many rows are flagged late.
        seconds: what the job took.
    """

    business_ids: NDArray[np.int64]
    sequence: NDArray[np.int64]
    second_sequence: NDArray[np.int64]
    features: NDArray[np.float64]
    changes: Changes
    late: int
    seconds: float


@dataclass(frozen=True)
class _Run(ScoreOptions):
    """A run with outputs of its own over topics that it shares."""

    @property
    def output(self) -> str:
        """Prefix of the topics that are written."""
        return self.order.replace("_", "-")

    def topic(self, stage: str) -> str:
        """The topic of a stage."""
        return f"{self.name if stage in {RAW, LABELS} else self.output}.{stage}"


def streamed(
    records: Sequence[Transaction], labels: Sequence[bool], directory: Path
) -> dict[Order, Rows]:
    """Feature rows by order, of the transactions in their order, scored by the rule.

    Args:
        records: what is sent.
        labels: of the records; each is sent with the time at which it becomes known.
        directory: scratch directory of the runs.

    Raises:
        MillraceError: the broker or a job did not do its work.
    """
    say("starting a broker")
    with Broker(directory) as broker:
        settings = _settings(broker.bootstrap_servers, directory, ON_WATERMARK)
        apply(settings, FRAUD.name)
        say(f"writing {len(records):,} records and as many labels")
        where = cluster(settings.kafka)
        produce(encoded(FRAUD, records), topic=f"{FRAUD.name}.{RAW}", cluster=where)
        told = (label_record(FRAUD, r, label) for r, label in zip(records, labels, strict=True))
        produce(told, topic=f"{FRAUD.name}.{LABELS}", cluster=where)
        return {order: _rows(broker.bootstrap_servers, directory, order) for order in _ORDERS}


def _rows(bootstrap_servers: str, directory: Path, order: Order) -> Rows:
    say(f"streaming them {order}, {PARTITIONS} partitions, parallelism {PARALLELISM}")
    settings = _settings(bootstrap_servers, directory, order)
    found = score_options(settings, FRAUD.name, bounded=True)
    given = {field.name: getattr(found, field.name) for field in fields(found)}
    options = _Run(**{**given, "deployment": order})
    apply(settings, options.output)
    began = time.monotonic()
    with running(options, ensure_flink_jars(), directory / "logs") as job:
        job.wait()
    seconds = time.monotonic() - began
    say(f"streamed in {seconds:.0f} s; reading the feature rows")
    return _read(bootstrap_servers, options.output, seconds)


def _settings(bootstrap_servers: str, directory: Path, order: Order) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap_servers, partitions=PARTITIONS),
        serving=ServingSettings(target=_NO_SERVER),
        score=ScoreSettings(
            target="throughput",
            parallelism=PARALLELISM,
            features_topic=True,
            order=order,
        ),
        stack=StackSettings(state_dir=directory / f"state-{order}"),
    )


def _read(bootstrap_servers: str, output: str, seconds: float) -> Rows:
    decode = msgspec.json.Decoder(_FeatureRow).decode_lines
    whole: list[tuple[int, int, int, bool]] = []
    features: list[NDArray[np.float64]] = [np.empty((0, len(FRAUD.spec.names)))]
    for values in _values(bootstrap_servers, f"{output}.features"):
        rows = decode(b"\n".join(values))
        whole += [(r.business_id, r.sequence, r.second_sequence, r.late) for r in rows]
        features.append(np.array([row.features for row in rows], np.float64))
    ids, sequence, second_sequence, late = np.array(whole, np.int64).reshape(-1, 4).T
    return Rows(
        ids,
        sequence,
        second_sequence,
        np.concatenate(features),
        _changes(bootstrap_servers, f"{output}.label-changes"),
        int(late.sum()),
        seconds,
    )


def _changes(bootstrap_servers: str, topic: str) -> Changes:
    decode = msgspec.json.Decoder(LabelChange).decode_lines
    rows = [
        (r.second_key, r.second_sequence, r.event_time_ms, r.change)
        for values in _values(bootstrap_servers, topic)
        for r in decode(b"\n".join(values))
    ]
    return Changes(*np.array(rows, np.int64).reshape(-1, 4).T)


def _values(bootstrap_servers: str, topic: str) -> Iterator[list[bytes]]:
    for messages in chunks(bootstrap_servers, topic):
        if messages:
            yield [message.value() for message in messages]
