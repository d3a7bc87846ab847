"""deploy/serving/Dockerfile agrees with the locks, the flags and the tree. Needs no Docker."""

import json
import re
from pathlib import Path

import pytest

from millrace.model_server.flags import parsed

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "deploy/serving/Dockerfile").read_text().replace("\\\n", "")


def pinned(lock: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / lock).read_text(), re.MULTILINE))


def instruction(name: str) -> list[str]:
    (found,) = re.findall(rf"^{name} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    words: list[str] = json.loads(found)
    return words


def test_the_image_has_the_versions_that_are_tested() -> None:
    assert pinned("requirements-serving.lock") - pinned("requirements.lock") == set()


def test_the_image_has_no_tensorflow_and_no_flink() -> None:
    names = {name for name, _ in pinned("requirements-serving.lock")}
    assert names & {"tensorflow", "apache-flink", "keras"} == set()
    assert {"onnxruntime", "aiohttp", "grpcio"} <= names


def test_the_servers_flags_are_known() -> None:
    flags = parsed([*instruction("ENTRYPOINT")[3:], *instruction("CMD")])
    assert (flags.port, flags.rest_api_port, flags.model_platform) == (8500, 8501, "onnxruntime")


@pytest.mark.parametrize("line", re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE))
def test_what_is_copied_is_there(line: str) -> None:
    assert [name for name in line.split() if not (ROOT / name).exists()] == []


def test_the_page_says_that_it_was_not_built_here() -> None:
    assert "# NOT BUILT where it was written" in DOCKERFILE
