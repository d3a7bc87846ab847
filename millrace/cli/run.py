"""`millrace run`: a job, in this process or on a cluster."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jobs.score import ScoreOptions
    from millrace.settings import Settings


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(run)


def run(
    job: Annotated[str, typer.Argument(help="The job: score, archive or alarms.")],
    *,
    use_case: Annotated[str, typer.Option(help="Installed name, or module:attribute.")],
    cluster: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="REST address of a Flink cluster to submit to."),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Run in this process (the default).")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="End at the offsets that are the newest now.")
    ] = False,
    start: Annotated[
        str,
        typer.Option(help="Where a job without state begins: earliest, latest or committed."),
    ] = "earliest",
    restore: Annotated[
        str,
        typer.Option(help="latest: go on from the last checkpoint; none: start anew; or a path."),
    ] = "latest",
    after: Annotated[
        str | None,
        typer.Option(
            metavar="DEPLOYMENT",
            help="Take the place of a stopped deployment: fill windows from the topics' start "
            "without writing, and write on from where it ended.",
        ),
    ] = None,
) -> None:
    """Run a job until Ctrl-C, or until its source ends.

    It goes on from the last checkpoint of its deployment when there is one, so nothing is lost
    or done twice over a stop. With --once it scores the topic from its start to its newest
    offsets, whatever was scored before, under the same prediction ids.
    What it does is in the settings (millrace.toml, [score]).
    The job archive writes the topics to Parquet files by date (settings in [archive]); with
    --once it ends when the archive holds what is the newest record now.
    The job alarms reads predictions and writes when a machine's alarm goes on or off (settings
    in [alarms]).

    Example: millrace run score --use-case fraud --cluster localhost:8081
    """
    from jobs.options import score_options  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from millrace.stack.jars import ensure_flink_jars  # noqa: PLC0415
    from millrace.stack.submit import submit  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    if job not in ("score", "archive", "alarms"):
        raise ConfigurationError(f"there is no job {job!r}; jobs are score, archive and alarms")
    if local and cluster:
        raise ConfigurationError("a job runs either --local or on a --cluster, not both")
    settings = load()
    if job == "alarms":
        from millrace.cli.run_alarms import run_alarms  # noqa: PLC0415

        run_alarms(settings, use_case, cluster=cluster, once=once, restore=restore)
        return
    if job == "archive":
        from millrace.cli.run_archive import run_archive  # noqa: PLC0415

        run_archive(settings, use_case, cluster=cluster, once=once, start=start, restore=restore)
        return
    # Also before a submission: what is wrong is told here, not in the log of Flink's client.
    options = score_options(
        settings, use_case, bounded=once, start=start, restore=restore, after=after
    )
    require_topics(settings, options.name)
    if cluster:
        arguments = ["score", "--use-case", use_case, "--start", start, "--restore", restore]
        arguments += [] if after is None else ["--after", after]
        arguments += ["--once"] if once else []
        jars, state_dir = ensure_flink_jars(), settings.stack.state_dir
        submit(cluster, options.job_name, arguments, jars, state_dir, wait=once)
    else:
        _run_here(settings, options)


def require_topics(settings: "Settings", name: str) -> None:
    """Refuses to start without the topics: Flink would only say so in its log, again and again."""
    from millrace.kafka.topics import show  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    missing = [topic.name for topic in show(settings, name) if not topic.partitions]
    if missing:
        raise ConfigurationError(
            f"there is no topic {', '.join(missing)} at {settings.kafka.bootstrap_servers}; "
            f"`millrace topics apply {name}` makes it"
        )


def _run_here(settings: "Settings", options: "ScoreOptions") -> None:
    from jobs.local import running  # noqa: PLC0415
    from millrace.stack.jars import ensure_flink_jars  # noqa: PLC0415

    logs = settings.stack.state_dir.resolve() / "logs"
    typer.echo(f"starting Flink in this process; its logs: {logs}", err=True)
    with running(options, ensure_flink_jars(), logs) as local_job:
        typer.echo(f"scoring {options.topic('raw')}; Ctrl-C stops", err=True)
        local_job.wait()
