"""Memory of a bare PyFlink worker, to hold ours against."""

from benchmarks import topics
from benchmarks.assignment import Assignment
from benchmarks.lab import Lab
from benchmarks.memory import workers_pss
from benchmarks.progress import last_lines, say
from millrace.stack.processes import wait_until
from udfs.errors import UnavailableError

_NAME = "bare_worker"
_RECORDS = 50_000
_DEADLINE_S = 300.0
_IDLE_S = 3.0


def bare_worker_bytes(lab: Lab) -> list[int]:
    """Memory of the workers of a job that is one identity map, after some records.

    Raises:
        UnavailableError: the job did not get so far.
    """
    raw, outputs = f"{_NAME}.raw", topics.outputs(_NAME)
    lab.write_raw(raw, _RECORDS, 5_000)
    topics.create(lab.bootstrap_servers, outputs)
    assignment = Assignment(
        bootstrap_servers=lab.bootstrap_servers,
        serving_target=lab.serving_target,
        raw_topics=(raw,),
        output=_NAME,
        deployment=_NAME,
        directory=str(lab.directory / _NAME),
        jars=tuple(str(jar) for jar in lab.jars),
        target="balanced",
        parallelism=2,
        exactly_once=False,
        bounded=False,
    )

    def done() -> bool:
        return topics.written(lab.bootstrap_servers, assignment.predictions) >= _RECORDS

    say("measuring a bare PyFlink worker")
    with lab.contestants(_NAME, assignment) as running:
        if not wait_until(done, _DEADLINE_S):
            raise UnavailableError(f"the bare job stood still: {last_lines(running[0].log_path)}")
        wait_until(lambda: False, _IDLE_S)
        sizes = workers_pss(running[0].pid)
    topics.delete(lab.bootstrap_servers, [raw, *outputs])
    return sizes
