"""The gRPC server: where it listens, with which limits."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from millrace.model_server.grpc_calls import CallServer, Handler
from millrace.model_server.tls import Tls
from millrace.model_server.turns import Turn
from udfs.errors import ConfigurationError, EnvironmentFault


@dataclass(frozen=True)
class Listening:
    """Where and how gRPC listens.

    Attributes:
        port: TCP port; 0 takes a free one.
        bind_address: address of that port.
        socket_path: a UNIX socket besides; None for none.
        channel_arguments: gRPC's own arguments; they go before ours.
        max_message_bytes: limit of a request.
        tls: TLS for the port and the socket; None for neither.
        health: health checks are answered.
    """

    port: int = 8500
    bind_address: str = "127.0.0.1"
    socket_path: str | None = None
    channel_arguments: tuple[tuple[str, int | str], ...] = ()
    max_message_bytes: int = 256 << 20
    tls: Tls | None = None
    health: bool = False


def open_server(
    listening: Listening, handlers: Mapping[str, Handler], turn: Turn
) -> tuple[CallServer, int]:
    """A gRPC server that is still to be started, and its TCP port.

    Raises:
        ConfigurationError: key and certificate are none.
        EnvironmentFault: the port or the socket is taken.
    """
    server = CallServer(_options(listening), handlers, turn)
    credentials = listening.tls.credentials() if listening.tls else None
    try:
        port = server.add_port(address_of(listening), credentials)
    except RuntimeError as error:
        check_port(listening)
        if listening.tls:
            raise ConfigurationError(
                "cannot listen with TLS: gRPC refuses key and certificate of --ssl_config_file"
            ) from error
        raise _port_taken(listening) from error
    if listening.socket_path:
        try:
            server.add_port(f"unix:{listening.socket_path}", credentials)
        except RuntimeError as error:
            message = f"cannot listen on the UNIX socket {listening.socket_path}"
            raise EnvironmentFault(message) from error
    return server, port


def _options(listening: Listening) -> list[tuple[str, int | str]]:
    return [
        # Two servers on one port would share its calls without a word.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", listening.max_message_bytes),
        ("grpc.max_send_message_length", -1),
        *listening.channel_arguments,
    ]


def address_of(listening: Listening) -> str:
    """Address and port, as gRPC takes them."""
    host = listening.bind_address
    return f"[{host}]:{listening.port}" if ":" in host else f"{host}:{listening.port}"


def check_port(listening: Listening) -> None:
    """Returns when the port is free: loading takes long, and this is better told at once.

    Raises:
        EnvironmentFault: it is taken, or the address is not ours.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            listening.bind_address, listening.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise _port_taken(listening) from error


def _port_taken(listening: Listening) -> EnvironmentFault:
    return EnvironmentFault(
        f"cannot listen on {address_of(listening)}: the port is taken or the address is not ours"
    )
