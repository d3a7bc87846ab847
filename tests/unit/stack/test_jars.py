"""The JARs are built when a source changed, and a failure names its reason."""

import os
from pathlib import Path

import pytest

from millrace.stack import jars
from millrace.stack.java import java_command
from udfs.errors import EnvironmentFault

POM = "<project><modelVersion>4.0.0</modelVersion></project>"


def module(folder: Path, pom: str = POM) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "pom.xml").write_text(pom)
    (folder / "src" / "A.java").write_text("class A {}")
    return folder


def test_the_digest_follows_sources_and_not_what_was_built(tmp_path: Path) -> None:
    folder = module(tmp_path / "m")
    first = jars.sources_digest(folder)
    (folder / "target").mkdir()
    (folder / "target" / "B.java").write_text("built")
    built = jars.sources_digest(folder)
    (folder / "src" / "A.java").write_text("class A { int b; }")
    assert (built == first, jars.sources_digest(folder) == first) == (True, False)


def test_maven_that_fails_is_quoted_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(tmp_path / "kafka", "<project>")
    monkeypatch.setattr(jars, "deploy_root", lambda: tmp_path)
    with pytest.raises(EnvironmentFault, match=r"could not build .*kafka: .*target/maven\.log"):
        jars.ensure_kafka_jars()


def test_a_missing_maven_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module(tmp_path / "kafka")
    monkeypatch.setattr(jars, "deploy_root", lambda: tmp_path)
    for name in ("java", "javac"):
        (tmp_path / name).symlink_to(os.path.realpath(java_command()))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match=r"^Maven \(mvn\) was not found: install it"):
        jars.ensure_kafka_jars()


def test_a_missing_java_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module(tmp_path / "kafka")
    monkeypatch.setattr(jars, "deploy_root", lambda: tmp_path)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match=r"^no Java was found: install a JDK 17 or newer"):
        jars.ensure_kafka_jars()


def test_an_installed_wheel_builds_a_copy_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "millrace"
    module(package / "_deploy" / "kafka")
    monkeypatch.setattr(jars, "__file__", str(package / "stack" / "jars.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = jars.deploy_root()
    assert (root.parent, (root / "kafka" / "src" / "A.java").read_text()) == (
        tmp_path / "cache" / "millrace",
        "class A {}",
    )
