"""Runs a job in Flink's mini-cluster inside this process."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from jobs.score import ScoreOptions, build
from udfs.errors import MillraceError

_POLL_S = 0.2
_RUNNING = {"INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "RECONCILING", "SUSPENDED"}


class JobFailed(MillraceError):
    """The job ended by itself and not well."""


@contextmanager
def running(options: ScoreOptions, jars: tuple[Path, ...], log_dir: Path) -> Iterator["LocalJob"]:
    """The job while the block runs; it is cancelled at the end when it still runs.

    A cancelled job keeps its last checkpoint, from which the next run goes on.

    Args:
        options: of the job.
        jars: the connector and our own.
        log_dir: where Flink and the Python workers log to.

    Raises:
        JobFailed: Flink refuses the job, for example its checkpoint.
    """
    with started(lambda: build(options, jars), options.job_name, log_dir) as job:
        yield job


@contextmanager
def started(
    environment: Callable[[], StreamExecutionEnvironment], name: str, log_dir: Path
) -> Iterator["LocalJob"]:
    """Any job while the block runs; it is cancelled at the end when it still runs.

    Args:
        environment: builds the topology; called once Flink's logs have their place.
        name: of the job.
        log_dir: where Flink and the Python workers log to.

    Raises:
        JobFailed: Flink refuses the job, for example its checkpoint.
    """
    log_dir.mkdir(parents=True, exist_ok=True)
    # Read when the JVM starts; its default is a folder inside the installed package.
    os.environ["FLINK_LOG_DIR"] = str(log_dir)
    # py4j writes a traceback of its own to the root logger before Ctrl-C reaches the caller.
    logging.getLogger().addFilter(lambda record: "KeyboardInterrupt" not in record.getMessage())
    job = launch(environment, name)
    try:
        yield job
    finally:
        job.cancel()


def launch(environment: Callable[[], StreamExecutionEnvironment], name: str) -> "LocalJob":
    """A job that runs until it ends or somebody ends it.

    Args:
        environment: builds the topology.
        name: of the job.

    Raises:
        JobFailed: Flink refuses the job.
    """
    try:
        return LocalJob(environment().execute_async(name))
    except Py4JError as error:
        raise JobFailed(f"the job did not start: {root_cause(str(error))}") from error


class LocalJob:
    """A job of this process's mini-cluster."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def status(self) -> str:
        """Flink's word for the job's state, `FINISHED` also when its cluster is gone already."""
        try:
            return str(self._client._j_job_client.getJobStatus().get().name())
        except Py4JError:
            return "FINISHED"

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status() in _RUNNING

    def wait(
        self, each: Callable[[], None] = lambda: None, until: Callable[[], bool] = lambda: False
    ) -> None:
        """Returns when the job has finished.

        Args:
            each: called every fifth of a second while it runs.
            until: asked as often; returns while the job still runs when this says so.

        Raises:
            JobFailed: it failed or was cancelled.
        """
        while self.running():
            if until():
                return
            each()
            time.sleep(_POLL_S)
        try:
            self._client.get_job_execution_result().result()
        except Py4JError as error:
            raise JobFailed(f"the job failed: {root_cause(str(error))}") from error

    def stop(self, savepoint_dir: str) -> str:
        """Stops the job with a savepoint and returns its path; all that was read is committed.

        Raises:
            JobFailed: it could not be stopped so.
        """
        # PyFlink 2.3's own method leaves out the format, which Java asks for.
        formats = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
        stopping = self._client._j_job_client.stopWithSavepoint(
            False, savepoint_dir, formats.NATIVE
        )
        try:
            return str(stopping.get())
        except Py4JError as error:
            raise JobFailed(f"the job did not stop: {root_cause(str(error))}") from error

    def cancel(self) -> None:
        """Cancels the job and waits for the end of its tasks; nothing when it has ended."""
        if self.running():
            self._client.cancel().result()
            while self.running():
                time.sleep(_POLL_S)


def root_cause(trace: str) -> str:
    r"""The last cause of a Java stack trace, without the name of its class.

    >>> root_cause("x.JobException: no\n at a.b\nCaused by: java.io.IOException: disk full\n at c")
    'disk full'
    """
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
    last = causes[-1] if causes else trace.strip().splitlines()[0]
    return last.removeprefix("Caused by: ").partition(": ")[2] or last
