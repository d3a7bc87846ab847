"""Encrypted connections: who is let in, who is not, and what is never said."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme

from tests.unit.client.fake_server import FEATURES, SCORES, answering, response, serving
from udfs.client.credentials import credentials
from udfs.client.options import ClientOptions, Tls
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome
from udfs.client.predict import PredictionClient
from udfs.errors import ConfigurationError

REFUSED_WITHIN_S = 10.0


class Certificates:
    """A certificate authority, a server of it and clients, as files.

    Attributes:
        tls: options of a client that both sides accept.
        server: credentials of a server that asks for the client's certificate.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        self.server = grpc.ssl_server_credentials(
            [(issued.private_key_pem.bytes(), issued.cert_chain_pems[0].bytes())],
            authority.cert_pem.bytes(),
            require_client_auth=True,
        )
        certificate, key = self.issued("client", authority)
        self.tls = Tls(str(folder / "ca.pem"), certificate, key, "localhost")

    def issued(self, name: str, authority: trustme.CA) -> tuple[str, str]:
        """Files of a certificate and its key."""
        client = authority.issue_cert("client@example.org")
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        client.cert_chain_pems[0].write_to_path(str(certificate))
        client.private_key_pem.write_to_path(str(key))
        return str(certificate), str(key)

    def stranger(self) -> Tls:
        """A client whose certificate comes from elsewhere."""
        certificate, key = self.issued("stranger", trustme.CA())
        return replace(self.tls, certificate_file=certificate, key_file=key)

    def other_authority(self) -> Tls:
        """A client that trusts somebody else."""
        path = self._folder / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(path))
        return replace(self.tls, ca_file=str(path))

    def without_certificate(self) -> Tls:
        """A client that shows no certificate."""
        return replace(self.tls, certificate_file=None, key_file=None)

    def wrong_name(self) -> Tls:
        """A client that expects another server."""
        return replace(self.tls, server_name="elsewhere.example")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def called(server: Any, tls: Tls | None) -> Outcome:
    """One call to a server with these credentials."""

    async def call() -> Outcome:
        method = answering(response({"score": SCORES}))
        async with serving(method, credentials=server) as target:
            client = PredictionClient(target, ClientOptions(tls=tls))
            try:
                return await client.predict(
                    "fraud", {"features": FEATURES}, deadline_s=REFUSED_WITHIN_S
                )
            finally:
                await client.close()

    return asyncio.run(call())


def test_both_sides_show_certificates_and_the_call_goes_through(
    certificates: Certificates,
) -> None:
    assert isinstance(called(certificates.server, certificates.tls), Answer)


@pytest.mark.parametrize(
    ("client", "reasons"),
    [
        (Certificates.other_authority, {FailureReason.NOT_TRUSTED}),
        (Certificates.wrong_name, {FailureReason.NOT_TRUSTED}),
        # Under TLS 1.3 the server refuses after the client's side of the handshake is done.
        (Certificates.without_certificate, {FailureReason.NOT_TRUSTED, FailureReason.UNAVAILABLE}),
        (Certificates.stranger, {FailureReason.NOT_TRUSTED, FailureReason.UNAVAILABLE}),
        (lambda _: None, {FailureReason.UNAVAILABLE}),
    ],
    ids=["wrong CA", "wrong name", "no certificate", "stranger", "plain text"],
)
def test_who_is_not_trusted_gets_no_answer_soon(
    certificates: Certificates,
    client: Callable[[Certificates], Tls | None],
    reasons: set[FailureReason],
) -> None:
    start = time.monotonic()
    outcome = called(certificates.server, client(certificates))
    assert isinstance(outcome, Failure)
    assert (outcome.reason in reasons, outcome.message) == (True, outcome.message)
    assert time.monotonic() - start < REFUSED_WITHIN_S


def test_server_without_encryption_is_not_called_in_plain_text(certificates: Certificates) -> None:
    outcome = called(None, certificates.tls)
    assert isinstance(outcome, Failure)
    assert outcome.reason in {FailureReason.NOT_TRUSTED, FailureReason.UNAVAILABLE}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"ca_file": "/nowhere.pem"}, "serving.tls_ca_file: cannot read /nowhere.pem"),
        ({"key_file": None}, "a client certificate needs its key"),
    ],
    ids=["missing file", "no key"],
)
def test_file_that_cannot_be_used_is_named(
    certificates: Certificates, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        credentials(replace(certificates.tls, **wrong))


def test_secret_in_a_wrong_file_is_not_repeated(tmp_path: Path, certificates: Certificates) -> None:
    (tmp_path / "key").write_text("hunter2")
    with pytest.raises(ConfigurationError) as caught:
        credentials(replace(certificates.tls, key_file=str(tmp_path / "key")))
    assert "serving.tls_key_file" in str(caught.value)
    assert "hunter2" not in str(caught.value)
