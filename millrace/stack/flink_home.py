"""The Flink that the PyFlink package carries: its JARs, and commands that run them.

The scripts in its `bin/` do not stand a path with spaces, so JVMs are started directly, with the
memory settings that Flink's own calculator gives.
"""

import importlib.util
import os
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from millrace.stack.java import java_command
from millrace.stack.processes import failure_reason
from udfs.errors import EnvironmentFault

JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_CLIENT = "org.apache.flink.client.cli.CliFrontend"
_CALCULATOR = "org.apache.flink.runtime.util.bash.BashJavaUtils"
_RESULT = "BASH_JAVA_UTILS_EXEC_RESULT:"
_MODULE_OPTION = re.compile(r"--add-(?:opens|exports)=\S+")


@cache
def flink_home() -> Path:
    """Directory of the installed PyFlink, which is a Flink distribution too.

    Raises:
        EnvironmentFault: PyFlink is not installed.
    """
    found = importlib.util.find_spec("pyflink")
    if found is None or not found.submodule_search_locations:
        raise EnvironmentFault("PyFlink is not installed in this environment; run `make setup`")
    return Path(found.submodule_search_locations[0])


def flink_environment(conf_dir: Path) -> dict[str, str]:
    """Environment of Flink's processes: where the distribution and the configuration are."""
    home = flink_home()
    places = {
        "FLINK_HOME": home,
        "FLINK_CONF_DIR": conf_dir,
        "FLINK_BIN_DIR": home / "bin",
        "FLINK_LIB_DIR": home / "lib",
        "FLINK_OPT_DIR": home / "opt",
        "FLINK_PLUGINS_DIR": home / "plugins",
    }
    return {**os.environ, **{name: str(place) for name, place in places.items()}}


def flink_command(main_class: str, conf_dir: Path, memory: list[str]) -> list[str]:
    """Command of one of Flink's JVMs.

    Args:
        main_class: Java class to run.
        conf_dir: configuration directory, with `log4j.properties`.
        memory: JVM options about memory.
    """
    logging = f"-Dlog4j.configurationFile={conf_dir / 'log4j.properties'}"
    jvm = [java_command(), *memory, "-XX:+UseG1GC", *module_options(), logging]
    return [*jvm, "-cp", classpath(), main_class]


def client_command(conf_dir: Path) -> list[str]:
    """Command of Flink's client, the `flink` of its `bin/`; arguments such as `run` follow."""
    return flink_command(_CLIENT, conf_dir, ["-Xmx512m"])


def classpath() -> str:
    """Java class path of the cluster: Flink, and the part of PyFlink that is Java.

    Raises:
        EnvironmentFault: the distribution is incomplete.
    """
    home = flink_home()
    jars = sorted((home / "lib").glob("*.jar")) + sorted((home / "opt").glob("flink-python*.jar"))
    if not any(jar.name.startswith("flink-dist") for jar in jars):
        raise EnvironmentFault(f"{home} holds no Flink distribution; run `make clean setup`")
    return os.pathsep.join(map(str, jars))


@cache
def module_options() -> list[str]:
    """Options that open the JDK's modules to Flink, from the configuration it ships."""
    return _MODULE_OPTION.findall((flink_home() / "conf" / "config.yaml").read_text())


def memory_options(conf_dir: Path, command: str) -> tuple[list[str], list[str]]:
    """What Flink's calculator makes of the configured process size.

    Args:
        conf_dir: configuration directory.
        command: `GET_JM_RESOURCE_PARAMS` or `GET_TM_RESOURCE_PARAMS`.

    Returns:
        JVM options, and arguments for the process's main class.
    """
    home = flink_home()
    jars = [home / "bin" / "bash-java-utils.jar", *sorted((home / "lib").glob("flink-dist*.jar"))]
    argv = [java_command(), "-XX:TieredStopAtLevel=1", "-cp", os.pathsep.join(map(str, jars))]
    argv += [_CALCULATOR, command, "--configDir", str(conf_dir)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    lines = [
        line.partition(_RESULT)[2].strip() for line in done.stdout.splitlines() if _RESULT in line
    ]
    if done.returncode or not lines:
        raise EnvironmentFault(f"Flink could not divide its memory: {failure_reason(done.stderr)}")
    return lines[0].split(), lines[1].split() if len(lines) > 1 else []


def yaml_lines(options: Mapping[str, str]) -> str:
    r"""Flink's configuration file: flat keys, every value quoted.

    >>> print(yaml_lines({"rest.port": "8081", "name": 'a "b"'}))
    rest.port: "8081"
    name: "a \"b\""
    <BLANKLINE>
    """
    quoted = {
        key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in options.items()
    }
    return "".join(f'{key}: "{value}"\n' for key, value in quoted.items())
