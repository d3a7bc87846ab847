"""`millrace run`: a job, in this process or on a cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
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
    bootstrap: Annotated[
        Path | None,
        typer.Option(
            metavar="ARCHIVE",
            help="Fill the windows of a new deployment from this archive without writing, then go "
            "on from Kafka at the next offset of each partition.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="With --bootstrap: from the archived records of this Kafka time on, UTC.",
        ),
    ] = None,
    accept_gaps: Annotated[
        bool,
        typer.Option(
            "--accept-gaps",
            help="With --bootstrap: go on over offsets that neither archive nor topic has any "
            "more, such as markers of transactions.",
        ),
    ] = False,
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

    With --bootstrap a new deployment fills its windows from the archive, which reaches back
    further than the topics, and with --after too it takes the place of another one; repeated, it
    goes on from its last checkpoint like any other.

    Example: millrace run score --use-case fraud --cluster localhost:8081

    Example: millrace run score --use-case fraud --bootstrap .millrace/archive --from 2025-06-24
    """
    from millrace.cli.run_score import ScoreArguments, run_score  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    if job not in ("score", "archive", "alarms"):
        raise ConfigurationError(f"there is no job {job!r}; jobs are score, archive and alarms")
    if local and cluster:
        raise ConfigurationError("a job runs either --local or on a --cluster, not both")
    settings = load()
    if job != "score" and (bootstrap or since or accept_gaps):
        raise ConfigurationError(
            f"--bootstrap, --from and --accept-gaps are for the job score, not for {job}"
        )
    if job == "alarms":
        from millrace.cli.run_alarms import run_alarms  # noqa: PLC0415

        run_alarms(settings, use_case, cluster=cluster, once=once, restore=restore)
        return
    if job == "archive":
        from millrace.cli.run_archive import run_archive  # noqa: PLC0415

        run_archive(settings, use_case, cluster=cluster, once=once, start=start, restore=restore)
        return
    asked = ScoreArguments(once, start, restore, after, bootstrap, since, accept_gaps)
    run_score(settings, use_case, cluster, asked)


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
