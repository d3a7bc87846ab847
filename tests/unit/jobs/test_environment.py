"""The JVM that a job in this process gets."""

import os

import pytest

from jobs.environment import tune_jvm

JAVA_OPTIONS = "FLINK_ENV_JAVA_OPTS"


@pytest.fixture(autouse=True)
def _nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that what the function leaves behind is undone as well.
    monkeypatch.setenv(JAVA_OPTIONS, "")
    monkeypatch.delenv(JAVA_OPTIONS)
    monkeypatch.delenv("JDK_JAVA_OPTIONS", raising=False)


def test_collector_and_compiler_are_chosen_beside_what_flink_needs() -> None:
    tune_jvm()
    first, *_ = (found := _options())
    assert first.startswith("--add-")
    assert (_chosen("GC"), len(_chosen("Tier4"))) == (["-XX:+UseParallelGC"], 3)
    tune_jvm()
    assert _options() == found


@pytest.mark.parametrize("name", [JAVA_OPTIONS, "JDK_JAVA_OPTIONS"])
def test_a_collector_that_somebody_chose_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "-Xmx2g -XX:+UseG1GC")
    tune_jvm()
    assert ("-XX:+UseParallelGC" in _options(), len(_chosen("Tier4"))) == (False, 3)


@pytest.mark.parametrize("name", [JAVA_OPTIONS, "JDK_JAVA_OPTIONS"])
def test_what_somebody_chose_of_the_compiler_stays(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "-XX:TieredStopAtLevel=1")
    tune_jvm()
    assert (_chosen("GC"), _chosen("Tier4")) == (["-XX:+UseParallelGC"], [])


def _chosen(part: str) -> list[str]:
    return [option for option in _options() if part in option]


def _options() -> list[str]:
    return os.environ.get(JAVA_OPTIONS, "").split()
