"""Where REST listens; apart from the listener, which loads the HTTP library."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RestListening:
    """Where and how HTTP listens.

    Attributes:
        port: TCP port; 0 for no HTTP at all.
        bind_address: address of that port.
        timeout_s: seconds that a request may take; None for no limit.
        max_body_bytes: limit of a request's body.
    """

    port: int = 0
    bind_address: str = "127.0.0.1"
    timeout_s: float | None = 30.0
    max_body_bytes: int = 256 << 20
