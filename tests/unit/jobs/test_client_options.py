"""How the client behaves, from the settings."""

from pathlib import Path

import pytest

from jobs.options import client_options
from millrace.settings import ServingSettings
from udfs.client.options import ClientOptions, Tls
from udfs.errors import ConfigurationError


def test_without_settings_the_client_is_as_it_is() -> None:
    assert client_options(ServingSettings()) == ClientOptions()


def test_settings_reach_the_client_with_absolute_files() -> None:
    serving = ServingSettings(
        tls=True,
        tls_ca_file=Path("ca.pem"),
        tls_server_name="models",
        max_reply_bytes=1000,
        retry_percent=5,
        adaptive=True,
        latency_objective_ms=30,
    )
    tls = Tls(ca_file=str(Path.cwd() / "ca.pem"), server_name="models")
    expected = ClientOptions(1000, 5, tls, latency_objective_ms=30)
    assert client_options(serving) == expected


def test_file_without_encryption_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"serving\.tls_key_file is set, and serving\.tls"):
        client_options(ServingSettings(tls_key_file=Path("key.pem")))
