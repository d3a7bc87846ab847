"""`millrace run score`: the main job, in this process or on a cluster."""

from dataclasses import dataclass
from pathlib import Path

import typer

from jobs.filling import Bootstrap
from jobs.local import running
from jobs.options import LATEST, STARTS, score_options
from jobs.score import ScoreOptions
from millrace.archive.continuing import Choice
from millrace.cli.arguments import time_ms
from millrace.cli.run import require_topics
from millrace.cli.run_bootstrap import run_bootstrap
from millrace.settings import Settings
from millrace.stack.jars import ensure_flink_jars
from millrace.stack.submit import submit
from udfs.errors import ConfigurationError


@dataclass(frozen=True)
class ScoreArguments:
    """Options of the command line, as they were given."""

    once: bool
    start: str
    restore: str
    after: str | None
    bootstrap: Path | None
    since: str | None
    accept_gaps: bool


def run_score(
    settings: Settings, use_case: str, cluster: str | None, given: ScoreArguments
) -> None:
    """Runs the job until Ctrl-C or the end of its source, or submits it."""
    bootstrap = bootstrap_of(settings, use_case, given)
    if bootstrap is not None:
        require_topics(settings, bootstrap.name)
        run_bootstrap(bootstrap, cluster)
    # Also before a submission: what is wrong is told here, not in the log of Flink's client.
    options = score_options(
        settings,
        use_case,
        bounded=given.once,
        start=given.start,
        restore=given.restore,
        after=given.after,
    )
    require_topics(settings, options.name)
    if cluster:
        _submit(settings, use_case, (cluster, options.job_name), given)
    else:
        _run_here(settings, options)


def bootstrap_of(settings: Settings, use_case: str, given: ScoreArguments) -> Bootstrap | None:
    """The bootstrap that the options ask for.

    Raises:
        ConfigurationError: options go against each other, or the time is none.
    """
    if given.bootstrap is None:
        if given.since or given.accept_gaps:
            raise ConfigurationError("--from and --accept-gaps say how --bootstrap reads")
        return None
    if given.start != STARTS[0] or given.restore != LATEST:
        raise ConfigurationError(
            "--start and --restore are not for --bootstrap: the archive says where a new "
            "deployment begins, and one with state goes on from its last checkpoint; a new one "
            "has another score.transactional_id_prefix"
        )
    since_ms = None if given.since is None else time_ms(given.since, "--from")
    return Bootstrap(
        settings,
        use_case,
        given.bootstrap,
        Choice(since_ms, given.accept_gaps),
        bounded=given.once,
        after=given.after,
    )


def _run_here(settings: Settings, options: ScoreOptions) -> None:
    logs = settings.stack.state_dir.resolve() / "logs"
    typer.echo(f"starting Flink in this process; its logs: {logs}", err=True)
    with running(options, ensure_flink_jars(), logs) as local_job:
        typer.echo(f"scoring {options.topic('raw')}; Ctrl-C stops", err=True)
        local_job.wait()


def _submit(settings: Settings, use_case: str, to: tuple[str, str], given: ScoreArguments) -> None:
    cluster, job_name = to
    arguments = ["score", "--use-case", use_case]
    arguments += ["--start", given.start, "--restore", given.restore]
    arguments += [] if given.after is None else ["--after", given.after]
    arguments += ["--once"] if given.once else []
    jars, state_dir = ensure_flink_jars(), settings.stack.state_dir
    submit(cluster, job_name, arguments, jars, state_dir, wait=given.once)
