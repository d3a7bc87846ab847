"""TLS and mutual TLS, from an SSL configuration file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from millrace.model_server import wire
from millrace.model_server.text_files import read_text_proto
from udfs.errors import ConfigurationError

_CERTIFICATE, _KEY = "-----BEGIN CERTIFICATE-----", "PRIVATE KEY-----"


@dataclass(frozen=True, repr=False)
class Tls:
    """TensorFlow Serving's SSLConfig; texts are PEM.

    Attributes:
        key: the server's private key.
        certificate: the server's certificate chain.
        authority: who signs the certificates of clients; empty where none is asked for.
        verify_clients: only clients with a certificate of that authority are let in.
    """

    key: str
    certificate: str
    authority: str
    verify_clients: bool

    def credentials(self) -> Any:
        """What gRPC opens a port with."""
        authority = self.authority.encode() if self.verify_clients else None
        pairs = [(self.key.encode(), self.certificate.encode())]
        return grpc.ssl_server_credentials(pairs, authority, self.verify_clients)


def tls_of_file(file: Path) -> Tls:
    """The TLS settings of a file in TensorFlow Serving's text format.

    Raises:
        ConfigurationError: the file cannot be read, or lacks what it needs.
    """
    # The parser's message would show a piece of the file, and the file holds a key.
    message = read_text_proto(file, wire.SSLConfig, "SSLConfig", secret=True)
    for name, text, mark, kind in (
        ("server_key", message.server_key, _KEY, "private key"),
        ("server_cert", message.server_cert, _CERTIFICATE, "certificate"),
    ):
        if mark not in text:
            raise ConfigurationError(f"{file}: {name} holds no {kind} in PEM form")
    if message.client_verify and _CERTIFICATE not in message.custom_ca:
        raise ConfigurationError(
            f"{file}: client_verify needs custom_ca, the certificate of who signs the clients'"
        )
    return Tls(message.server_key, message.server_cert, message.custom_ca, message.client_verify)
