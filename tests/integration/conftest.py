"""One broker for all tests on real parts; each test has topics of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from millrace.stack.broker import Broker
from tests.integration.scoring import Kafka


@pytest.fixture(scope="session")
def bootstrap_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Broker(tmp_path_factory.mktemp("broker"), heap="512m") as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def new_kafka(bootstrap_servers: str, request: pytest.FixtureRequest) -> Callable[[], Kafka]:
    """Makes the topics of a test, named after it."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    return lambda: Kafka(bootstrap_servers, name[:100]).create()


@pytest.fixture
def kafka(new_kafka: Callable[[], Kafka]) -> Kafka:
    return new_kafka()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path
