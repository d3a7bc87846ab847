"""How a client behaves, as values that travel to the workers."""

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of an encrypted connection, all PEM; they are read where the calls are made.

    Attributes:
        ca_file: certificates that the server's has to come from; the system's when None.
        certificate_file: our own certificate, for servers that ask for one.
        key_file: its private key.
        server_name: the name in the server's certificate when it is not the address.
    """

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How a client behaves.

    Attributes:
        max_reply_bytes: larger replies become `reply_too_large`.
        retry_percent: retries per hundred calls, 0 for none.
        tls: how connections are encrypted; None: they are not.
        latency_objective_ms: rows a call and calls in flight follow the server, within this
            latency; None: one call a block.
    """

    max_reply_bytes: int = 64 * MEBIBYTE
    retry_percent: int = 20
    tls: Tls | None = None
    latency_objective_ms: int | None = None
