"""Runs the archive job in this process: until Ctrl-C, or until it has caught up."""

from collections.abc import Mapping
from pathlib import Path

from jobs.archive import ArchiveOptions, build
from jobs.local import started
from millrace.archive import Archive
from millrace.archive.progress import Progress
from millrace.kafka.cluster import Cluster
from millrace.kafka.last import last_records

Until = Mapping[str, Mapping[int, int]]
"""Offsets by stage and partition."""


def newest_records(cluster: Cluster, options: ArchiveOptions) -> Until:
    """The offset of the newest record of each stage and partition; those without are left out."""
    return {stage: last_records(cluster, topic) for topic, stage in options.topics.items()}


def archive(
    options: ArchiveOptions, jars: tuple[Path, ...], log_dir: Path, until: Until | None = None
) -> None:
    """Runs the job, then stops it with a savepoint: files are complete, the next run goes on.

    Args:
        options: of the job.
        jars: the connector, ours, and what writes Parquet.
        log_dir: where Flink logs to.
        until: it ends once the archive holds these offsets; None: with Ctrl-C.

    Raises:
        JobFailed: Flink refuses the job, or it failed.
        KeyboardInterrupt: the user's, after the job was stopped.
    """
    progress = Progress(Archive(options.path.parent, options.name))
    if until is not None and progress.holds(until):
        return
    with started(lambda: build(options, jars), options.job_name, log_dir) as job:
        try:
            job.wait(until=lambda: until is not None and progress.holds(until))
        finally:
            # Also after Ctrl-C: what was read would stay in files that nobody sees.
            if job.running():
                job.stop(options.checkpoint_dir)
