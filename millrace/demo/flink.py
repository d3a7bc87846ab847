"""The job of a demo in this process: quiet, and gone at the end even if Flink hangs."""

import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Timer

from py4j.protocol import Py4JError
from pyflink.java_gateway import get_gateway

from jobs.local import LocalJob, running
from jobs.score import ScoreOptions
from millrace.demo.jvm import LOG_VARIABLE, end_jvm
from millrace.demo.parts import Part
from millrace.demo.signals import ignore_interrupts

_CANCEL_DEADLINE_S = 20.0
_LAUNCH_DEADLINE_S = 10.0


class JvmStart(Part):
    """Starts Flink's JVM in a thread while the broker starts; the job then finds it there."""

    def __init__(self, log_dir: Path) -> None:
        """Starts nothing; `log_dir` is where Flink logs to."""
        super().__init__("start of Flink's JVM")
        self._log_dir = log_dir

    def stop(self) -> None:
        """Waits until the JVM can be ended, and ends it."""
        self.join(_LAUNCH_DEADLINE_S)
        end_quietly(self._log_dir)

    def work(self) -> None:
        """Starts it."""
        # Read when the JVM starts.
        os.environ[LOG_VARIABLE] = str(self._log_dir)
        get_gateway()


@contextmanager
def scoring(options: ScoreOptions, jars: tuple[Path, ...], log_dir: Path) -> Iterator[LocalJob]:
    """The job `score` while the block runs; after it neither JVM nor workers are left.

    After a good end the job is cancelled first. After a failure nothing of it is worth waiting
    for, and a job without its broker may take minutes to be cancelled.
    """
    manager = running(options, jars, log_dir)
    try:
        yield manager.__enter__()
        ignore_interrupts()
        _cancel(manager, log_dir)
    finally:
        ignore_interrupts()
        end_quietly(log_dir)


def end_quietly(log_dir: Path) -> None:
    """Ends the JVM and keeps py4j from complaining of every object it cannot give back to it."""
    logging.getLogger("py4j.java_gateway").disabled = True
    # Some of it py4j says by the root logger.
    logging.getLogger().addFilter(lambda record: "py4j" not in record.pathname)
    end_jvm(log_dir)


def _cancel(manager: AbstractContextManager[LocalJob], log_dir: Path) -> None:
    watchdog = Timer(_CANCEL_DEADLINE_S, end_jvm, [log_dir])
    watchdog.start()
    with suppress(Py4JError):
        manager.__exit__(None, None, None)
    watchdog.cancel()
