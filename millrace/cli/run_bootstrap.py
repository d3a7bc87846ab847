"""`millrace run score --bootstrap`: windows filled from an archive, here or on a cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from jobs.filling import Bootstrap
from jobs.local import running
from millrace.archive.continuing import Continuation
from millrace.stack.jars import ensure_flink_jars
from millrace.stack.submit import submit
from millrace.stack.submitted import SubmittedJob


def run_bootstrap(asked: Bootstrap, cluster: str | None) -> None:
    """Fills the windows of a deployment that has no state yet; it begins with them then."""
    if not asked.needed:
        typer.echo("windows are filled already: going on from the last checkpoint", err=True)
        return
    with _status("reading the archive's offsets"):
        found = asked.continuations()
    for stage, one in found.items():
        typer.echo(_told(f"{asked.name}.{stage}", one), err=True)
    with _status("putting archived records in order") as tell:
        asked.prepare(found, lambda count: tell(f"archived records in order: {count:,}"))
    records = sum(one.records for one in found.values())
    with _status(f"filling windows from {records:,} archived records"):
        if cluster:
            _fill_there(asked, cluster)
        else:
            _fill_here(asked)
    asked.finish()
    typer.echo(f"windows are filled from {records:,} archived records", err=True)


def _fill_here(asked: Bootstrap) -> None:
    logs = asked.settings.stack.state_dir.resolve() / "logs"
    with running(asked.options(), ensure_flink_jars(), logs) as job:
        job.wait(until=asked.filled)


def _fill_there(asked: Bootstrap, cluster: str) -> None:
    state_dir = asked.settings.stack.state_dir
    arguments = ["score", "--use-case", asked.use_case, "--fill"]
    arguments += ["--once"] if asked.bounded else []
    jars, job_name = ensure_flink_jars(), asked.options().job_name
    job_id = submit(cluster, job_name, arguments, jars, state_dir, wait=False, tell=_tell)
    job = SubmittedJob(cluster, job_id)
    try:
        job.wait(until=asked.filled)
    finally:
        job.cancel()


def _tell(job_id: str) -> None:
    # Standard output is for the job that scores.
    typer.echo(f"job {job_id} fills the windows", err=True)


def _told(topic: str, found: Continuation) -> str:
    places = ",".join(f"{partition}:{offset}" for partition, offset in found.begin.items())
    text = f"{topic}: {found.records:,} archived records, then Kafka from {places}"
    if found.deleted:
        text += f"; {found.deleted:,} older offsets are in neither any more"
    if found.unknown:
        text += f"; {found.unknown:,} offsets in between are in neither any more"
    return text


@contextmanager
def _status(text: str) -> Iterator[Callable[[str], None]]:
    with Console(stderr=True).status(text) as status:
        yield status.update
