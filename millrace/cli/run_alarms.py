"""`millrace run alarms`: the job in this process or on a cluster."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from millrace.settings import Settings


def run_alarms(
    settings: "Settings", use_case: str, *, cluster: str | None, once: bool, restore: str
) -> None:
    """Makes the topic `<use case>.alarms` where it is missing, and runs the job."""
    from jobs import alarms  # noqa: PLC0415
    from jobs.alarm_options import alarm_options  # noqa: PLC0415
    from jobs.local import started  # noqa: PLC0415
    from millrace.kafka.topics import apply_alarms  # noqa: PLC0415
    from millrace.stack.jars import ensure_flink_jars  # noqa: PLC0415
    from millrace.stack.submit import submit  # noqa: PLC0415

    options = alarm_options(settings, use_case, bounded=once, restore=restore)
    apply_alarms(settings, options.name)
    if cluster:
        arguments = ["alarms", "--use-case", use_case, "--restore", restore]
        arguments += ["--once"] if once else []
        state_dir = settings.stack.state_dir
        submit(cluster, options.job_name, arguments, ensure_flink_jars(), state_dir, wait=once)
        return
    logs = settings.stack.state_dir.resolve() / "logs"
    typer.echo(f"starting Flink in this process; its logs: {logs}", err=True)
    jars = ensure_flink_jars()
    with started(lambda: alarms.build(options, jars), options.job_name, logs) as job:
        typer.echo(f"watching {options.name}.predictions; Ctrl-C stops", err=True)
        job.wait()
