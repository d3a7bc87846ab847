"""Feature rows of transactions that went through the score job on a broker of their own."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.progress import say
from benchmarks.reading import chunks
from jobs.local import running
from jobs.options import score_options
from millrace.kafka.cluster import cluster
from millrace.kafka.topics import apply
from millrace.settings import KafkaSettings, ScoreSettings, ServingSettings, Settings, StackSettings
from millrace.sources.produce import produce
from millrace.sources.records import encoded
from millrace.stack.broker import Broker
from millrace.stack.jars import ensure_flink_jars
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_records import Transaction

PARTITIONS, PARALLELISM = 4, 2
_NO_SERVER = "127.0.0.1:1"


class _FeatureRow(msgspec.Struct):
    business_id: int
    features: list[float]


@dataclass(frozen=True)
class Rows:
    """Feature rows as a consumer that reads committed data sees them.

    Attributes:
        business_ids: int64, (n,).
        features: float64, (n, f).
        seconds: what the job took.
    """

    business_ids: NDArray[np.int64]
    features: NDArray[np.float64]
    seconds: float


def streamed(records: Sequence[Transaction], directory: Path) -> Rows:
    """Feature rows of the transactions, sent in their order and scored by the rule.

    Args:
        records: what is sent.
        directory: scratch directory of the run.

    Raises:
        MillraceError: the broker or the job did not do its work.
    """
    say("starting a broker")
    with Broker(directory) as broker:
        settings = _settings(broker.bootstrap_servers, directory)
        apply(settings, FRAUD.name)
        say(f"writing {len(records):,} records")
        topic = f"{FRAUD.name}.raw"
        produce(encoded(FRAUD, records), topic=topic, cluster=cluster(settings.kafka))
        say(f"streaming them, {PARTITIONS} partitions, parallelism {PARALLELISM}")
        seconds = _score(settings, directory)
        say(f"streamed in {seconds:.0f} s; reading the feature rows")
        return _read(broker.bootstrap_servers, seconds)


def _score(settings: Settings, directory: Path) -> float:
    options = score_options(settings, FRAUD.name, bounded=True)
    began = time.monotonic()
    with running(options, ensure_flink_jars(), directory / "logs") as job:
        job.wait()
    return time.monotonic() - began


def _settings(bootstrap_servers: str, directory: Path) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap_servers, partitions=PARTITIONS),
        serving=ServingSettings(target=_NO_SERVER),
        score=ScoreSettings(target="throughput", parallelism=PARALLELISM, features_topic=True),
        stack=StackSettings(state_dir=directory / "state"),
    )


def _read(bootstrap_servers: str, seconds: float) -> Rows:
    decode = msgspec.json.Decoder(_FeatureRow).decode_lines
    ids: list[int] = []
    features: list[NDArray[np.float64]] = [np.empty((0, len(FRAUD.spec.names)))]
    for messages in chunks(bootstrap_servers, f"{FRAUD.name}.features"):
        rows = decode(b"\n".join([m.value() for m in messages]))
        ids += [row.business_id for row in rows]
        if rows:
            features.append(np.array([row.features for row in rows], np.float64))
    return Rows(np.array(ids, np.int64), np.concatenate(features), seconds)
