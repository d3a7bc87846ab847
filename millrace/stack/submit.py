"""Submits a job to a Flink cluster, by Flink's own client."""

import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from millrace.plain_path import worker_python
from millrace.stack.flink_home import client_command, flink_environment, flink_home
from udfs.errors import ConfigurationError, MillraceError, UnavailableError

_ADDRESS = re.compile(r"[^\s:/]+:\d{1,5}")
_CONNECT_S = 5.0
_JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")
_RAISED = re.compile(r"\w+(?:Error|Exception|Fault): ")
_OVER = ("FINISHED", "CANCELED", "FAILED")
_UNREACHABLE = ("Connection refused", "UnknownHostException", "Could not connect")


class SubmissionError(MillraceError):
    """The cluster took the job and refused it, or the job failed."""


def submit(
    cluster: str,
    job_name: str,
    arguments: Sequence[str],
    jars: Sequence[Path],
    state_dir: Path,
    *,
    wait: bool,
    tell: Callable[[str], None] = print,
) -> str:
    """Runs `flink run` for the module `jobs`; returns the job's id.

    The TaskManagers need this distribution in the Python that `python.executable` names; the
    JARs travel with the job.

    Args:
        cluster: REST address, `host:port`.
        job_name: how the job will be called there; it holds the deployment.
        arguments: of `python -m jobs`.
        jars: what the job has to be given.
        state_dir: the client's log goes here.
        wait: until the job has ended.
        tell: is given the job's id.

    Raises:
        ConfigurationError: the address is none, or the deployment's job runs there already.
        UnavailableError: no cluster answers there.
        SubmissionError: the job was refused, or failed.
    """
    if not _ADDRESS.fullmatch(cluster):
        raise ConfigurationError(f"{cluster!r} is no HOST:PORT of a Flink cluster")
    _require_reachable(cluster)
    _require_alone(cluster, job_name)
    conf_dir = flink_home() / "conf"
    # The job itself ships its JARs: the client would put `-Dpipeline.jars` on no class path.
    shipped = [word for jar in jars for word in ("--jar", str(jar.resolve()))]
    options = ["run", "-m", cluster, "-pym", "jobs"]
    options += ["-pyclientexec", sys.executable, "-pyexec", worker_python()]
    options += [] if wait else ["-d"]
    log_path = state_dir.resolve() / "logs" / log_name(job_name)
    java, *client = client_command(conf_dir)
    details = f"-Dlog.file={log_path.with_suffix('.details.log')}"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("w+") as log:
        done = subprocess.run(
            [java, details, *client, *options, *arguments, *shipped],
            env=flink_environment(conf_dir),
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
        log.seek(0)
        said = log.read()
    found = _JOB_ID.search(said)
    if done.returncode or not found:
        raise _failure(cluster, said, log_path)
    tell(found.group(1))
    return found.group(1)


def log_name(job_name: str) -> str:
    """The file of a submission's log: one for each job, since several may be submitted at once.

    >>> log_name("score fraud (millrace-fraud)")
    'flink-client-score-fraud-millrace-fraud.log'
    """
    return f"flink-client-{re.sub(r'[^a-zA-Z0-9_.-]+', '-', job_name).strip('-')}.log"


def _require_reachable(cluster: str) -> None:
    """Says at once what Flink's client would say after a minute and a half of trying."""
    host, _, port = cluster.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise UnavailableError(f"no Flink cluster answers at {cluster}") from error


def _require_alone(cluster: str, job_name: str) -> None:
    """Refuses a second job of a deployment: the two would abort each other's transactions."""
    for job in _jobs(cluster):
        if job["name"] == job_name and job["state"] not in _OVER:
            raise ConfigurationError(
                f"{job_name} is on {cluster} already, as job {job['jid']}: stop it first, or give "
                "this one a deployment of its own by score.transactional_id_prefix"
            )


def _jobs(cluster: str) -> Sequence[dict[str, Any]]:
    host, _, port = cluster.rpartition(":")
    # Not urllib: it would ask the machine's proxy for a loopback address.
    connection = http.client.HTTPConnection(host, int(port), timeout=_CONNECT_S)
    try:
        connection.request("GET", "/jobs/overview")
        found: Sequence[dict[str, Any]] = json.load(connection.getresponse())["jobs"]
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        raise UnavailableError(f"no Flink cluster answers at {cluster}") from error
    finally:
        connection.close()
    return found


def _failure(cluster: str, said: str, log_path: Path) -> MillraceError:
    if any(sign in said for sign in _UNREACHABLE):
        return UnavailableError(f"no Flink cluster answers at {cluster} (log: {log_path})")
    lines = said.splitlines()
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    # What the job's own Python program raised says more than that it ended.
    raised = [line for line in lines if _RAISED.match(line)]
    reason = (told or raised or causes or ["no reason was given"])[-1]
    return SubmissionError(f"Flink at {cluster} did not run the job: {reason} (log: {log_path})")
