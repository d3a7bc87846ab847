"""How a channel to a model server is set up."""

from typing import Final

import grpc.aio

_SETTINGS: Final[tuple[tuple[str, int], ...]] = (
    # A server that keeps gRPC's defaults ends connections (GOAWAY) that ping more often than
    # every five minutes. A dead peer is noticed by its unacknowledged bytes instead: with
    # keepalive on, gRPC sets TCP_USER_TIMEOUT to the keepalive timeout.
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # The default waits up to two minutes before it looks for a server that came back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Retries are counted against the caller's deadline and budget, so only the caller makes them.
    ("grpc.enable_retries", 0),
    # A proxy of the environment is meant for the world outside, not for the model server.
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_send_message_length", -1),
)


def open_channel(target: str, max_reply_bytes: int) -> grpc.aio.Channel:
    """A channel on the running loop; it connects at its first call.

    Args:
        target: address of the server, `host:port`.
        max_reply_bytes: larger replies fail the call.
    """
    limit = ("grpc.max_receive_message_length", max_reply_bytes)
    return grpc.aio.insecure_channel(target, options=[*_SETTINGS, limit])
