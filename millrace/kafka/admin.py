"""Admin clients for a Kafka cluster; what goes wrong with one becomes an error of ours."""

import logging
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from udfs.errors import UnavailableError

# The library logs every refused connection as a warning; our error says it once.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


@contextmanager
def admin_client(
    bootstrap_servers: str,
    client_properties: Mapping[str, object] | None = None,
    *,
    timeout_ms: int = 10_000,
) -> Iterator[KafkaAdminClient]:
    """An admin client, closed at the end of the block.

    Args:
        bootstrap_servers: `host:port`, several of them separated by commas.
        client_properties: security settings in kafka-python's names.
        timeout_ms: how long to wait for the cluster's first answer.

    Raises:
        UnavailableError: no broker answered, or one answered with an error.
    """
    client: KafkaAdminClient | None = None
    try:
        require_reachable(bootstrap_servers)
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers.split(","),
            bootstrap_timeout_ms=timeout_ms,
            **(client_properties or {}),
        )
        yield client
    except KafkaError as error:
        raise UnavailableError(
            f"Kafka at {bootstrap_servers} did not do what was asked: "
            f"{type(error).__name__} {error}".rstrip()
        ) from error
    finally:
        if client is not None:
            client.close()


def require_reachable(bootstrap_servers: str, timeout_s: float = 3.0) -> None:
    """Returns when one of the brokers accepts a connection.

    Clients retry quietly for half a minute where nothing listens at all; this says so at once.

    Raises:
        UnavailableError: none of them does.
    """
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=timeout_s):
                return
        except (OSError, ValueError):
            continue
    raise UnavailableError(
        f"no Kafka broker answers at {bootstrap_servers}; start one with `millrace up`, or set "
        "kafka.bootstrap_servers"
    )


def broker_count(bootstrap_servers: str) -> int:
    """How many brokers the cluster has; 0 while it does not answer."""
    try:
        with admin_client(bootstrap_servers, timeout_ms=2_000) as client:
            return len(client.describe_cluster()["brokers"])
    except UnavailableError:
        return 0
