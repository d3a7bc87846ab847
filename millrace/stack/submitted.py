"""A job on a Flink cluster, watched and cancelled over its REST interface."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Any

from millrace.stack.submit import SubmissionError
from udfs.errors import UnavailableError

_TIMEOUT_S = 10.0
_POLL_S = 0.5
_ENDED = {"FAILED", "CANCELED", "FINISHED"}


class SubmittedJob:
    """A job.

    Args:
        cluster: REST address, `host:port`.
        job_id: as `submit` returned it.
    """

    def __init__(self, cluster: str, job_id: str) -> None:
        self._cluster = cluster
        self._job_id = job_id

    def state(self) -> str:
        """Flink's word for the job's state.

        Raises:
            UnavailableError: the cluster does not answer.
        """
        return str(self._ask("GET", "").get("state", "unknown"))

    def wait(self, until: Callable[[], bool]) -> None:
        """Returns once `until` says so.

        Raises:
            SubmissionError: the job has ended before.
            UnavailableError: the cluster does not answer.
        """
        while not until():
            state = self.state()
            if state in _ENDED:
                raise SubmissionError(f"job {self._job_id} is {state}; Flink's page says why")
            time.sleep(_POLL_S)

    def cancel(self) -> None:
        """Cancels the job and waits for its end; its last checkpoint stays.

        Raises:
            UnavailableError: the cluster does not answer.
        """
        if self.state() not in _ENDED:
            self._ask("PATCH", "?mode=cancel")
        while self.state() not in _ENDED:
            time.sleep(_POLL_S)

    def _ask(self, method: str, tail: str) -> Any:
        host, _, port = self._cluster.rpartition(":")
        # Not urllib: it would ask the machine's proxy for a loopback address.
        connection = http.client.HTTPConnection(host, int(port), timeout=_TIMEOUT_S)
        try:
            connection.request(method, f"/jobs/{self._job_id}{tail}")
            return json.loads(connection.getresponse().read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnavailableError(f"no Flink cluster answers at {self._cluster}") from error
        finally:
            connection.close()
