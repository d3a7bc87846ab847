"""Resolves settings and command line to the options of the job `archive`."""

from collections.abc import Mapping

from jobs.archive import ArchiveOptions
from jobs.options import LATEST, restored_from, uri_of
from millrace.archive import STAGES, Archive
from millrace.archive.progress import next_offsets
from millrace.kafka.cluster import cluster, java_properties
from millrace.settings import Settings
from udfs.use_cases.find import find_use_case

_ONCE_INTERVAL_MS = 5_000


def archive_options(
    settings: Settings,
    use_case: str,
    *,
    once: bool = False,
    restore: str = LATEST,
    flink: Mapping[str, str] | None = None,
) -> ArchiveOptions:
    """Options of the job `archive` for a deployment.

    Without state it goes on behind the newest record of each partition that is in the archive.

    Args:
        settings: of the deployment; its name is their transactional id prefix, the use case and
            `archive`.
        use_case: installed name or `module:attribute`.
        once: it is stopped at the newest records: shorter checkpoints let that be seen earlier.
        restore: `latest` goes on from the deployment's newest checkpoint if there is one, `none`
            starts without state, anything else is the path of a checkpoint or savepoint.
        flink: Flink configuration over everything else.

    Raises:
        ConfigurationError: a value is not one of those, a topic is missing, or what is at the
            place of the archive is that of other topics.
        UnavailableError: no broker answers.
        UseCaseError: the use case is unknown.
    """
    name = find_use_case(use_case).name
    deployment = f"{settings.score.transactional_id_prefix}-{name}-archive"
    checkpoints = f"{uri_of(settings.checkpoints)}/{deployment}"
    restored = restored_from(restore, checkpoints)
    archive = Archive(settings.archive_path, name)
    interval_ms = settings.archive.checkpoint_interval_ms
    return ArchiveOptions(
        name=name,
        stages=STAGES,
        path=archive.path,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        checkpoint_dir=checkpoints,
        deployment=deployment,
        checkpoint_interval_ms=min(interval_ms, _ONCE_INTERVAL_MS) if once else interval_ms,
        parallelism=settings.archive.parallelism,
        # Also with state: what is wrong with the archive has to be told now.
        starts=next_offsets(cluster(settings.kafka), archive),
        kafka_properties=java_properties(settings.kafka),
        flink={
            **({"execution.state-recovery.path": restored} if restored else {}),
            **(flink or {}),
        },
    )
