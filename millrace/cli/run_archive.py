"""`millrace run archive`: topics to Parquet files, in this process or on a cluster."""

import typer

from jobs.archive import ArchiveOptions
from jobs.archive_options import archive_options
from jobs.archiving import archive, newest_records
from millrace.cli.run import require_topics
from millrace.kafka.cluster import cluster as kafka_cluster
from millrace.settings import Settings
from millrace.stack.jars import ensure_archive_jars
from millrace.stack.submit import submit
from udfs.errors import ConfigurationError
from udfs.use_cases.find import find_use_case


def run_archive(
    settings: Settings,
    use_case: str,
    *,
    cluster: str | None,
    once: bool,
    start: str,
    restore: str,
) -> None:
    """Runs the job until Ctrl-C, until the archive has caught up, or submits it."""
    if start != "earliest":
        raise ConfigurationError(
            "--start is not for the job archive: without state it goes on behind what is archived"
        )
    if once and cluster:
        raise ConfigurationError(
            "--once runs the job archive in this process; on a cluster stop it with a savepoint"
        )
    require_topics(settings, find_use_case(use_case).name)
    options = archive_options(settings, use_case, once=once, restore=restore)
    if cluster:
        arguments = ["archive", "--use-case", use_case, "--restore", restore]
        jars, state_dir = ensure_archive_jars(), settings.stack.state_dir
        submit(cluster, options.job_name, arguments, jars, state_dir, wait=False)
    else:
        _run_here(settings, options, once)


def _run_here(settings: Settings, options: ArchiveOptions, once: bool) -> None:
    until = newest_records(kafka_cluster(settings.kafka), options) if once else None
    logs = settings.stack.state_dir.resolve() / "logs"
    typer.echo(
        f"archiving {options.name} to {options.path}"
        + (" up to the newest records" if once else "; Ctrl-C completes the files and stops"),
        err=True,
    )
    archive(options, ensure_archive_jars(), logs, until)
