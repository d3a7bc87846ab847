"""How a channel to a model server is set up."""

from typing import Final

import grpc.aio

from udfs.client.credentials import credentials
from udfs.client.options import ClientOptions

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
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Retries are counted against the caller's deadline and budget, so only the caller makes them.
    ("grpc.enable_retries", 0),
    # A proxy of the environment is meant for the world outside, not for the model server.
    ("grpc.enable_http_proxy", 0),
    # Endpoints of one process share no connection: each has a state of its own.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_send_message_length", -1),
)


def open_channel(target: str, options: ClientOptions) -> grpc.aio.Channel:
    """A channel on the running loop; it connects at its first call.

    Args:
        target: address of the server, `host:port`.
        options: limit of replies, and encryption. Encrypted means encrypted: there is no way
            back to plain text.

    Raises:
        ConfigurationError: a file of the encryption cannot be used.
    """
    settings: list[tuple[str, int | str]] = list(_SETTINGS)
    settings.append(("grpc.max_receive_message_length", options.max_reply_bytes))
    if options.tls is None:
        return grpc.aio.insecure_channel(target, options=settings)
    if options.tls.server_name:
        settings.append(("grpc.ssl_target_name_override", options.tls.server_name))
    return grpc.aio.secure_channel(target, credentials(options.tls), options=settings)
