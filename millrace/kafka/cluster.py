"""A Kafka cluster as clients see it: its address and the properties they need to enter."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException

from millrace.settings import KafkaSettings
from udfs.errors import ConfigurationError, MillraceError, UnavailableError

# What librdkafka reports between retries; what finally fails is raised, and says it once.
QUIET = logging.getLogger("millrace.kafka.client")
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False

_JAAS_FIELD = re.compile(r'(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"')
_PEM_NAMES = {
    "ssl.truststore.location": ("ssl.ca.location",),
    "ssl.truststore.certificates": ("ssl.ca.pem",),
    # Java keeps chain and key in one PEM file.
    "ssl.keystore.location": ("ssl.certificate.location", "ssl.key.location"),
    "ssl.keystore.certificate.chain": ("ssl.certificate.pem",),
    "ssl.keystore.key": ("ssl.key.pem",),
}


@dataclass(frozen=True)
class Cluster:
    """Where a Kafka cluster is and how a Python client enters it.

    Attributes:
        bootstrap_servers: `host:port`, several of them separated by commas.
        properties: further client properties in librdkafka's names; kept out of `repr`.
    """

    bootstrap_servers: str
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)

    def client(self, **extra: str | int | bool) -> dict[str, object]:
        """Configuration of a client; `auto_offset_reset=…` stands for `auto.offset.reset`."""
        own = {name.replace("_", "."): value for name, value in extra.items()}
        return {**self.properties, **own, "bootstrap.servers": self.bootstrap_servers}

    def failure(self, error: KafkaException) -> MillraceError:
        """The error of ours that a client's error is."""
        cause = error.args[0]
        code = cause.code() if isinstance(cause, KafkaError) else None
        text = cause.str() if isinstance(cause, KafkaError) else str(error)
        if code in {KafkaError._INVALID_ARG, KafkaError.INVALID_CONFIG}:
            return ConfigurationError(f"Kafka refuses a setting: {text}")
        if code in {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}:
            return ConfigurationError(
                f"there is no such topic at {self.bootstrap_servers} ({text}); "
                "`millrace topics apply` makes those of a use case"
            )
        return UnavailableError(f"Kafka at {self.bootstrap_servers} does not answer: {text}")


def cluster(settings: KafkaSettings) -> Cluster:
    """The cluster that the settings name, for Python clients."""
    return Cluster(settings.bootstrap_servers, librdkafka_properties(java_properties(settings)))


def java_properties(settings: KafkaSettings) -> dict[str, str]:
    """Client properties under Kafka's own names, as Flink's connector takes them.

    Raises:
        ConfigurationError: the properties file cannot be read.
    """
    found: dict[str, str] = {}
    if settings.properties_file is not None:
        try:
            found = parse_properties(settings.properties_file.read_text())
        except OSError as error:
            raise ConfigurationError(
                f"cannot read kafka.properties_file {settings.properties_file}: {error.strerror}"
            ) from error
    return {**found, **{k: v.get_secret_value() for k, v in settings.properties.items()}}


def parse_properties(text: str) -> dict[str, str]:
    r"""Key and value pairs of a Java properties file.

    >>> parse_properties('# login\na = 1\nb=x=\\\n  y\n')
    {'a': '1', 'b': 'x=y'}
    """
    joined = re.sub(r"\\\n\s*", "", text)
    lines = (line.strip() for line in joined.splitlines())
    pairs = (re.split(r"\s*[=:]\s*", line, maxsplit=1) for line in lines if line[:1] not in "#!")
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs if pair[0]}


def librdkafka_properties(java: Mapping[str, str]) -> dict[str, str]:
    """Kafka's own client properties in the names of librdkafka, which Python's client is.

    >>> librdkafka_properties({"security.protocol": "SSL", "ssl.truststore.type": "PEM",
    ...                        "ssl.truststore.location": "/ca.pem"})
    {'security.protocol': 'SSL', 'ssl.ca.location': '/ca.pem'}

    Raises:
        ConfigurationError: a property that has no counterpart.
    """
    found: dict[str, str] = {}
    for name, value in java.items():
        if name == "sasl.jaas.config":
            found |= _login(value)
        elif name in _PEM_NAMES:
            _require_pem(name, java)
            found |= dict.fromkeys(_PEM_NAMES[name], value)
        elif name not in {"ssl.truststore.type", "ssl.keystore.type", "bootstrap.servers"}:
            found[name] = value
    return found


def _login(jaas: str) -> dict[str, str]:
    fields = {key: re.sub(r"\\(.)", r"\1", value) for key, value in _JAAS_FIELD.findall(jaas)}
    if fields.keys() != {"username", "password"}:
        raise ConfigurationError(
            'sasl.jaas.config has to name username="…" and password="…" for Python clients; '
            "its text is not shown here"
        )
    return {"sasl.username": fields["username"], "sasl.password": fields["password"]}


def _require_pem(name: str, java: Mapping[str, str]) -> None:
    store = ".".join(name.split(".")[:2])
    if java.get(f"{store}.type", "").upper() != "PEM":
        raise ConfigurationError(
            f"{name} needs {store}.type=PEM: Python clients read no Java key stores"
        )
