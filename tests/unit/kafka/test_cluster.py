"""Client properties: read from settings and files, translated for Python's client."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from millrace.kafka.cluster import Cluster, java_properties, librdkafka_properties
from millrace.settings import KafkaSettings
from udfs.errors import ConfigurationError

JAAS = (
    "org.apache.kafka.common.security.scram.ScramLoginModule required "
    'username="ann" password="a\\"b";'
)


def test_properties_go_over_the_properties_file(tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text("! ours\nsecurity.protocol=SSL\nclient.id : a=b\n\n")
    settings = KafkaSettings(
        properties_file=file, properties={"security.protocol": SecretStr("SASL_SSL")}
    )
    assert java_properties(settings) == {"security.protocol": "SASL_SSL", "client.id": "a=b"}


def test_a_missing_properties_file_is_named() -> None:
    settings = KafkaSettings(properties_file=Path("/nowhere/client.properties"))
    with pytest.raises(ConfigurationError, match=r"cannot read kafka\.properties_file /nowhere/"):
        java_properties(settings)


def test_a_jaas_login_becomes_name_and_password() -> None:
    found = librdkafka_properties({"sasl.mechanism": "SCRAM-SHA-256", "sasl.jaas.config": JAAS})
    assert found == {
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "ann",
        "sasl.password": 'a"b',
    }


def test_a_login_without_password_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        librdkafka_properties({"sasl.jaas.config": 'module required username="hunter2";'})
    assert "hunter2" not in str(caught.value)


def test_a_pem_key_store_serves_as_certificate_and_key() -> None:
    found = librdkafka_properties(
        {"ssl.keystore.type": "PEM", "ssl.keystore.location": "/me.pem", "ssl.key.password": "x"}
    )
    assert found == {
        "ssl.certificate.location": "/me.pem",
        "ssl.key.location": "/me.pem",
        "ssl.key.password": "x",
    }


def test_a_java_key_store_is_refused_with_the_reason() -> None:
    with pytest.raises(ConfigurationError, match=r"needs ssl\.truststore\.type=PEM"):
        librdkafka_properties({"ssl.truststore.location": "/ca.jks"})


def test_properties_do_not_print() -> None:
    assert "hunter2" not in repr(Cluster("a:1", {"sasl.password": "hunter2"}))
