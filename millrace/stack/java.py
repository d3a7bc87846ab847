"""The Java and Maven of this machine: found and new enough, or missed in one sentence."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from udfs.errors import EnvironmentFault

MINIMUM_JAVA = 17
_REMEDY = (
    f"install a JDK {MINIMUM_JAVA} or newer (Debian, Ubuntu: "
    f"sudo apt-get install openjdk-{MINIMUM_JAVA}-jdk-headless) or set JAVA_HOME to one"
)


def java_command() -> str:
    """Path of a Java launcher of a version that Flink and Kafka run on.

    Raises:
        EnvironmentFault: no Java, or one that is too old.
    """
    path = _find("java")
    if path is None:
        raise EnvironmentFault(f"no Java was found{_place()}: {_REMEDY}")
    version = java_version(path)
    if version < MINIMUM_JAVA:
        raise EnvironmentFault(f"Java {version} ({path}) is too old: {_REMEDY}")
    return path


def compiler_command() -> str:
    """Path of a Java compiler: a JDK has one, a mere runtime has not.

    Raises:
        EnvironmentFault: there is none.
    """
    path = _find("javac")
    if path is None:
        raise EnvironmentFault(f"no Java compiler (javac) was found{_place()}: {_REMEDY}")
    return path


def maven_command() -> str:
    """Path of Maven.

    Raises:
        EnvironmentFault: there is none.
    """
    path = shutil.which("mvn")
    if path is None:
        raise EnvironmentFault(
            "Maven (mvn) was not found: install it (Debian, Ubuntu: sudo apt-get install maven)"
        )
    return path


def java_version(path: str) -> int:
    """Major version of a Java launcher, 0 when it does not say."""
    answer = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
    return parse_java_version(answer.stderr + answer.stdout)


def parse_java_version(text: str) -> int:
    """Major version out of what `java -version` prints.

    >>> parse_java_version('openjdk version "17.0.15" 2025-04-15')
    17
    >>> parse_java_version('java version "1.8.0_392"')
    8
    """
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else 0


def _find(program: str) -> str | None:
    home = os.environ.get("JAVA_HOME")
    # Maven and PyFlink look nowhere else when it is set, so neither may this.
    return shutil.which(program, path=str(Path(home) / "bin") if home else None)


def _place() -> str:
    home = os.environ.get("JAVA_HOME")
    return f" in JAVA_HOME ({home})" if home else ""
