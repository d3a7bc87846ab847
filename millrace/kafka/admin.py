"""Admin requests to a Kafka cluster; what goes wrong with one becomes an error of ours."""

import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from millrace.kafka.cluster import QUIET, Cluster
from udfs.errors import MillraceError, UnavailableError

_REQUEST_TIMEOUT_S = 30.0
_PAUSE_S = 0.2

Key = TypeVar("Key")
Answer = TypeVar("Answer")


@contextmanager
def admin_client(cluster: Cluster) -> Iterator[AdminClient]:
    """An admin client; errors inside the block become ours.

    Raises:
        UnavailableError: no broker answers.
        ConfigurationError: the cluster refuses what is asked.
    """
    require_reachable(cluster.bootstrap_servers)
    try:
        yield AdminClient(cluster.client(), logger=QUIET)
    except KafkaException as error:
        raise cluster.failure(error) from error


def results(futures: Mapping[Key, "Future[Any]"]) -> dict[Key, Any]:
    """The results of a request for several things; the first failure is raised."""
    return {key: future.result(_REQUEST_TIMEOUT_S) for key, future in futures.items()}


def answered(
    ask: Callable[[], Answer],
    passing: Collection[int],
    deadline_s: float,
    before_again: Callable[[], object] = lambda: None,
) -> Answer:
    """What `ask` returns; asked again while it raises what passes by itself.

    Args:
        ask: a request to the cluster.
        passing: codes of such errors.
        deadline_s: after so many seconds they are raised like any other.
        before_again: is called before each further request.

    Raises:
        KafkaException: another error, or one of these after the deadline.
    """
    until = time.monotonic() + deadline_s
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in passing or time.monotonic() > until:
                raise
        time.sleep(_PAUSE_S)
        before_again()


def require_reachable(bootstrap_servers: str, timeout_s: float = 3.0) -> None:
    """Returns when one of the brokers accepts a connection.

    Clients retry quietly for a long time where nothing listens at all; this says so at once.

    Raises:
        UnavailableError: none of them does.
    """
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s):
                return
        except (OSError, ValueError, OverflowError):
            continue
    raise UnavailableError(
        f"no Kafka broker answers at {bootstrap_servers}; start one with `millrace up`, or set "
        "kafka.bootstrap_servers"
    )


def broker_count(bootstrap_servers: str, timeout_s: float = 2.0) -> int:
    """How many brokers an open cluster has; 0 while it does not answer."""
    cluster = Cluster(bootstrap_servers)
    try:
        with admin_client(cluster) as admin:
            return len(admin.list_topics(timeout=timeout_s).brokers)
    except MillraceError:
        return 0
