"""TLS and mutual TLS by an ssl_config_file, on a real server with certificates of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from millrace.model_server.settings import settings
from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import flags_for, run_to_its_end, running
from udfs.client import wire
from udfs.errors import ConfigurationError

DEADLINE_S = 10.0


def pem(blob: trustme.Blob) -> str:
    return blob.bytes().decode()


def quoted(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'


def config_file(folder: Path, authority: trustme.CA, *, verify: bool) -> Path:
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    fields = {
        "server_key": pem(certificate.private_key_pem),
        "server_cert": "".join(pem(blob) for blob in certificate.cert_chain_pems),
        "custom_ca": pem(authority.cert_pem),
    }
    lines = [f"{name}: {quoted(text)}" for name, text in fields.items()]
    file = folder / "ssl.config"
    file.write_text("\n".join([*lines, f"client_verify: {str(verify).lower()}"]))
    return file


@contextmanager
def serving(folder: Path, authority: trustme.CA, *, verify: bool) -> Iterator[str]:
    """The address of a server with TLS."""
    saved_models.publish(saved_models.fraud(), folder / "fraud", "1")
    file = config_file(folder, authority, verify=verify)
    flags = flags_for("fraud", folder / "fraud", f"--ssl_config_file={file}")
    with running(folder / "log", *flags) as server:
        yield server.target


def answers(target: str, credentials: grpc.ChannelCredentials | None) -> bool:
    """Whether a call gets through."""
    request = wire.GetModelStatusRequest()
    request.model_spec.name = "fraud"
    channel: Any = (
        grpc.secure_channel(target, credentials) if credentials else grpc.insecure_channel(target)
    )
    with channel:
        try:
            channel.unary_unary(wire.GET_MODEL_STATUS)(
                request.SerializeToString(), timeout=DEADLINE_S
            )
        except grpc.RpcError as error:
            failed: Any = error
            assert failed.code() is grpc.StatusCode.UNAVAILABLE, failed
            return False
        return True


def trusting(authority: trustme.CA, client: trustme.LeafCert | None = None) -> Any:
    if client is None:
        return grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    chain = b"".join(blob.bytes() for blob in client.cert_chain_pems)
    return grpc.ssl_channel_credentials(
        authority.cert_pem.bytes(), client.private_key_pem.bytes(), chain
    )


def test_tls_lets_in_who_trusts_the_authority(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    with serving(tmp_path, authority, verify=False) as target:
        found = [
            answers(target, trusting(authority)),
            answers(target, trusting(other)),
            answers(target, None),
        ]
    assert found == [True, False, False]


def test_mutual_tls_lets_in_whom_the_authority_signed(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    with serving(tmp_path, authority, verify=True) as target:
        found = [
            answers(target, trusting(authority, authority.issue_cert("client"))),
            answers(target, trusting(authority, other.issue_cert("client"))),
            answers(target, trusting(authority)),
        ]
    assert found == [True, False, False]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("server_key: 'x'", "server_key holds no private key in PEM form"),
        ("server_key: '-----BEGIN PRIVATE KEY-----'", "server_cert holds no certificate"),
        (
            "server_key: '-----BEGIN PRIVATE KEY-----' server_cert: '-----BEGIN CERTIFICATE-----'"
            " client_verify: true",
            "client_verify needs custom_ca",
        ),
        ("\nserver_key: SECRET", "is no SSLConfig: see line 2"),
    ],
)
def test_wrong_file_is_one_sentence_without_what_it_holds(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "ssl.config"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        settings([f"--model_base_path={tmp_path}", f"--ssl_config_file={file}"])
    assert (says in str(error.value), "SECRET" in str(error.value)) == (True, False)


def test_key_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    saved_models.publish(saved_models.fraud(), tmp_path / "fraud", "1")
    file = tmp_path / "ssl.config"
    file.write_text(
        "server_key: '-----BEGIN PRIVATE KEY-----' server_cert: '-----BEGIN CERTIFICATE-----'"
    )
    ended = run_to_its_end(
        *flags_for("fraud", tmp_path / "fraud", "--port=0", f"--ssl_config_file={file}")
    )
    told = [line for line in ended.stderr.splitlines() if line.startswith("millrace")]
    assert (ended.returncode, len(told)) == (2, 1)
    assert "key and certificate" in told[0]
