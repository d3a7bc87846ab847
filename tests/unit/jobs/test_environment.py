"""The JVM that a job in this process gets."""

import os

import pytest

from jobs.environment import collect_in_parallel

JAVA_OPTIONS = "FLINK_ENV_JAVA_OPTS"


@pytest.fixture(autouse=True)
def _nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what the function leaves behind is undone as well.
    monkeypatch.setenv(JAVA_OPTIONS, "")
    monkeypatch.delenv(JAVA_OPTIONS)
    monkeypatch.delenv("JDK_JAVA_OPTIONS", raising=False)


def test_garbage_is_collected_in_parallel_beside_what_flink_needs() -> None:
    collect_in_parallel()
    first, *_, last = (found := _options())
    assert (first.startswith("--add-"), last) == (True, "-XX:+UseParallelGC")
    collect_in_parallel()
    assert _options() == found


@pytest.mark.parametrize("name", [JAVA_OPTIONS, "JDK_JAVA_OPTIONS"])
def test_a_collector_that_somebody_chose_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "-Xmx2g -XX:+UseG1GC")
    collect_in_parallel()
    assert "-XX:+UseParallelGC" not in _options()


def _options() -> list[str]:
    return os.environ.get(JAVA_OPTIONS, "").split()
