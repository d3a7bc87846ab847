"""Resolves settings and command line to the options of a job."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

from jobs.deployment import Deployment, remembered, require_same_spec
from jobs.score import ScoreOptions
from jobs.targets import TARGETS, Target
from millrace.archive.stages import TopicStages
from millrace.audit.border import outputs_end, require_settled
from millrace.kafka.cluster import cluster, java_properties
from millrace.kafka.groups import committed_offsets
from millrace.kafka.topics import LABELS, RAW
from millrace.settings import ScoreSettings, ServingSettings, Settings
from udfs.client.options import ClientOptions, Tls
from udfs.errors import ConfigurationError
from udfs.use_cases.find import find_use_case

STARTS = ("earliest", "latest", "committed")
LATEST, NONE = "latest", "none"


def score_options(
    settings: Settings,
    use_case: str,
    *,
    bounded: bool = False,
    start: str = STARTS[0],
    restore: str = LATEST,
    after: str | None = None,
    flink: Mapping[str, str] | None = None,
) -> ScoreOptions:
    """Options of the job `score` for a deployment.

    Args:
        settings: of the deployment; its name is their transactional id prefix and the use case,
            with `-once` for bounded runs.
        use_case: installed name or `module:attribute`.
        bounded: end at the newest offsets of the start.
        start: where a job without state begins: `earliest`, `latest` or `committed`.
        restore: `latest` goes on from the deployment's newest checkpoint if there is one, `none`
            starts anew, anything else is the path of a checkpoint or savepoint.
        after: a deployment that this one takes the place of: windows fill from the start of the
            topics, and outputs begin where that one's end.
        flink: Flink configuration over everything else.

    Raises:
        ConfigurationError: a value is not one of those, the path holds no checkpoint, the state
            is of another feature spec, a bootstrap did not end, or the deployment to come after is
            unknown or has left records without an outcome.
        UseCaseError: the use case is unknown.
    """
    if start not in STARTS:
        raise ConfigurationError(f"--start is {start!r}; it is one of {', '.join(STARTS)}")
    score = settings.score
    case = find_use_case(use_case)
    name = case.name
    checkpoints = checkpoints_of(settings, name, bounded=bounded)
    deployment = checkpoints.rpartition("/")[2]
    restored, before = state_of(restore, checkpoints), remembered(checkpoints)
    if restored and before:
        require_same_spec(deployment, before, case.spec.hash)
    if restored is None or before is None:
        before = Deployment(case.spec.hash, _quiet(settings, name, after))
    return ScoreOptions(
        use_case=use_case,
        name=name,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        serving_target=settings.serving.endpoints or settings.serving.target,
        checkpoint_dir=checkpoints,
        deployment=deployment,
        target=target_of(score),
        parallelism=score.parallelism,
        shards=score.shards,
        deadline_ms=settings.serving.deadline_ms,
        client=client_options(settings.serving),
        exactly_once=score.guarantee == "exactly-once",
        emit_features=score.features_topic,
        bounded=bounded,
        start=start,
        order=score.order,
        idle_ms=score.idle_ms,
        quiet=before.quiet,
        begin=before.begin,
        filled=before.filled,
        max_clock_skew_ms=score.max_clock_skew_ms,
        transaction_timeout_ms=score.transaction_timeout_ms,
        state_backend=score.state_backend,
        kafka_properties=java_properties(settings.kafka),
        flink={**_recovery(restored, before.filled), **(flink or {})},
    )


def checkpoints_of(settings: Settings, name: str, *, bounded: bool) -> str:
    """URI of the checkpoints of a deployment; its last part is the deployment's name.

    A bounded run and an endless one cannot go on from each other's checkpoints: the end of a
    source is part of its state. So they are two deployments.
    """
    deployment = f"{settings.score.transactional_id_prefix}-{name}{'-once' if bounded else ''}"
    return f"{uri_of(settings.checkpoints)}/{deployment}"


def _recovery(restored: str | None, filled: str | None) -> dict[str, str]:
    """Flink's options about the state that a job begins with."""
    if restored is None:
        return {}
    found = {"execution.state-recovery.path": restored}
    if restored == filled:
        # The source that read the archive is not part of this job.
        found["execution.state-recovery.ignore-unclaimed-state"] = "true"
    return found


def client_options(serving: ServingSettings) -> ClientOptions:
    """How the model server's client behaves.

    Raises:
        ConfigurationError: files for encrypted connections are named, and encryption is off.
    """
    files = {
        "ca_file": serving.tls_ca_file,
        "certificate_file": serving.tls_certificate_file,
        "key_file": serving.tls_key_file,
    }
    # Absolute: the workers run elsewhere than this command.
    named = {name: str(file.absolute()) for name, file in files.items() if file}
    if named and not serving.tls:
        raise ConfigurationError(
            f"serving.tls_{next(iter(named))} is set, and serving.tls is not: set serving.tls = "
            "true to encrypt connections, or leave the file out"
        )
    return ClientOptions(
        max_reply_bytes=serving.max_reply_bytes,
        retry_percent=serving.retry_percent,
        tls=Tls(server_name=serving.tls_server_name, **named) if serving.tls else None,
        latency_objective_ms=serving.latency_objective_ms if serving.adaptive else None,
    )


def target_of(score: ScoreSettings) -> Target:
    """The target's values, with the settings that go over single ones."""
    chosen = {
        "checkpoint_interval_ms": score.checkpoint_interval_ms,
        "linger_ms": score.linger_ms,
        "block_records": score.block_records,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    return replace(TARGETS[score.target], **given)


def latest_checkpoint(checkpoints: str) -> str | None:
    """The newest complete checkpoint or savepoint below a `file:` URI, None without one."""
    folder = Path(urlparse(checkpoints).path)
    found = [*folder.glob("*/chk-*/_metadata"), *folder.glob("savepoint-*/_metadata")]
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return newest.parent.as_uri() if newest else None


def restored_from(restore: str, checkpoints: str) -> str | None:
    """The URI of the state that a job begins with, None when it begins without.

    Args:
        restore: `latest`, `none`, or the path of a checkpoint or savepoint.
        checkpoints: URI of the deployment's checkpoints.

    Raises:
        ConfigurationError: there is no state at the path, or `latest` cannot be found from here.
    """
    if restore == NONE:
        return None
    if restore == LATEST:
        if urlparse(checkpoints).scheme == "file":
            return latest_checkpoint(checkpoints)
        raise ConfigurationError(
            f"the newest checkpoint below {checkpoints} cannot be found from here: "
            "name it with --restore PATH, or start anew with --restore none"
        )
    uri = uri_of(restore)
    if urlparse(uri).scheme == "file" and not (Path(urlparse(uri).path) / "_metadata").exists():
        raise ConfigurationError(f"{restore} is no checkpoint or savepoint: it has no _metadata")
    return uri


def state_of(restore: str, checkpoints: str) -> str | None:
    """As `restored_from`; before a deployment's first checkpoint, that of its bootstrap.

    Raises:
        ConfigurationError: there is no state where it has to be, or the bootstrap did not end.
    """
    found = restored_from(restore, checkpoints)
    if found or restore != LATEST:
        return found
    before = remembered(checkpoints)
    if before and before.filled:
        return restored_from(before.filled, checkpoints)
    if bootstrap_folder(checkpoints).exists():
        raise ConfigurationError(
            f"the bootstrap of deployment {checkpoints.rpartition('/')[2]} did not end: repeat it "
            "with --bootstrap ARCHIVE, or begin without it with --restore none"
        )
    return None


def bootstrap_folder(checkpoints: str) -> Path:
    """Where a bootstrap keeps its files, below the checkpoints of its deployment."""
    return Path(urlparse(checkpoints).path) / "bootstrap"


def _quiet(settings: Settings, name: str, after: str | None) -> Mapping[str, Mapping[int, int]]:
    """Where outputs begin, by stage and partition: where those of a deployment end."""
    if after is None:
        return {}
    kafka = cluster(settings.kafka)
    found = {stage: committed_offsets(kafka, after, f"{name}.{stage}") for stage in (RAW, LABELS)}
    if not found[RAW]:
        raise ConfigurationError(
            f"there is no deployment {after!r} that has read {name}.{RAW}: its consumer group has "
            "no committed offsets"
        )
    require_settled(kafka, name)
    return outputs_end(TopicStages(kafka, name), name, found)


def uri_of(path: str) -> str:
    """The URI of a path; a URI stays as it is."""
    return path if urlparse(path).scheme else Path(path).resolve().as_uri()
