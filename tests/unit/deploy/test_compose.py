"""docker-compose.yml agrees with the settings, the poms and the locks. Needs no Docker."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from millrace.settings import known_settings, load
from udfs.use_cases.find import find_use_case

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: s for name, s in SERVICES.items() if s["image"].startswith("millrace")}
DOCKERFILE = (ROOT / "deploy/flink/Dockerfile").read_text()


def environment() -> dict[str, str]:
    lines = (ROOT / "deploy/millrace.env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return dict((key, value) for key, value in pairs)


def locked(name: str, lock: str = "requirements.lock") -> str:
    found = re.search(rf"^{name}==([\w.]+)", (ROOT / lock).read_text(), re.MULTILINE)
    assert found
    return found.group(1)


def test_every_variable_is_a_known_setting_with_a_valid_value(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for known in known_settings():
        monkeypatch.delenv(known.variable, raising=False)
    for variable, value in environment().items():
        monkeypatch.setenv(variable, value)
    settings = load()
    assert (settings.kafka.bootstrap_servers, settings.checkpoints) == (
        "kafka:9092",
        "file:///checkpoints",
    )


def test_all_our_containers_take_their_settings_from_the_one_file() -> None:
    sources = {name: (s["env_file"], s.get("environment")) for name, s in OURS.items()}
    assert sources == dict.fromkeys(
        ("topics", "jobmanager", "taskmanager"), ("deploy/millrace.env", None)
    )


def test_addresses_are_those_of_the_services() -> None:
    variables, kafka = environment(), SERVICES["kafka"]["environment"]
    bootstrap = variables["MILLRACE_KAFKA__BOOTSTRAP_SERVERS"]
    serving, _, port = variables["MILLRACE_SERVING__TARGET"].partition(":")
    assert kafka["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{bootstrap}"
    assert (bootstrap.split(":")[0] in SERVICES, serving in SERVICES, port) == (True, True, "8500")


def test_checkpoints_lie_on_a_volume_that_all_our_containers_share() -> None:
    place = environment()["MILLRACE_SCORE__CHECKPOINT_DIR"].removeprefix("file://")
    assert {f"checkpoints:{place}"} == {v for s in OURS.values() for v in s["volumes"]}


def test_the_broker_allows_our_transactions() -> None:
    limit = int(SERVICES["kafka"]["environment"]["KAFKA_TRANSACTION_MAX_TIMEOUT_MS"])
    assert limit >= load().score.transaction_timeout_ms


def test_images_have_the_versions_that_are_tested_here() -> None:
    pom = (ROOT / "deploy/kafka/pom.xml").read_text()
    kafka = re.search(r"<kafka.version>(.*)</kafka.version>", pom)
    assert kafka
    assert [SERVICES[name]["image"] for name in ("kafka", "serving")] == [
        f"apache/kafka:{kafka.group(1)}",
        f"tensorflow/serving:{locked('tensorflow-serving-api')}",
    ]


def test_the_model_server_serves_the_model_of_the_use_case() -> None:
    serving = SERVICES["serving"]
    assert serving["environment"] == {
        "MODEL_NAME": find_use_case("fraud").model.model_name,
        "MODEL_BASE_PATH": "/models",
    }
    assert serving["volumes"][0].split(":")[-2:] == ["/models", "ro"]


def test_the_job_has_a_slot_for_each_parallel_instance() -> None:
    command = " ".join(SERVICES["taskmanager"]["command"])
    slots = re.search(r"numberOfTaskSlots=(\d+)", command)
    assert slots
    assert int(slots.group(1)) >= int(environment()["MILLRACE_SCORE__PARALLELISM"])


def test_only_loopback_is_published() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_the_image_copies_exists_and_is_sent_to_docker() -> None:
    copied = [
        source
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert [source for source in copied if source in ignored or f"{source}/" in ignored] == []
    # Built on this machine, they would be taken for the image's own.
    assert {".venv", ".millrace", "**/target"} <= set(ignored)


def test_the_image_installs_only_what_is_hashed() -> None:
    installs = [part for part in DOCKERFILE.split("&&") if "install " in part and "pip" in part]
    unhashed = [part for part in installs if "--require-hashes" not in part]
    assert len(installs) == 4
    assert ["--no-deps" in part for part in unhashed] == [True]
