"""Reads the files of an encrypted connection."""

from pathlib import Path

import grpc

from udfs.client.options import Tls
from udfs.errors import ConfigurationError


def credentials(tls: Tls) -> grpc.ChannelCredentials:
    """What gRPC needs to encrypt a connection and to show who we are.

    Raises:
        ConfigurationError: a file cannot be read, or a certificate stands without its key.
    """
    if (tls.certificate_file is None) != (tls.key_file is None):
        raise ConfigurationError(
            "a client certificate needs its key and the other way round: set both "
            "serving.tls_certificate_file and serving.tls_key_file"
        )
    return grpc.ssl_channel_credentials(
        root_certificates=_pem("serving.tls_ca_file", tls.ca_file, "CERTIFICATE"),
        private_key=_pem("serving.tls_key_file", tls.key_file, "PRIVATE KEY"),
        certificate_chain=_pem("serving.tls_certificate_file", tls.certificate_file, "CERTIFICATE"),
    )


def _pem(setting: str, file: str | None, kind: str) -> bytes | None:
    """The file's bytes; neither they nor a part of them ever get into a message."""
    if file is None:
        return None
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{setting}: cannot read {file}: {error.strerror}") from None
    if f"{kind}-----".encode() not in content:
        raise ConfigurationError(f"{setting}: {file} holds no {kind.lower()} in PEM")
    return content
