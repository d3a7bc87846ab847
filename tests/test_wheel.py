"""The wheel: what it ships, what it asks for, and what importing it loads."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in {packages!r}:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
heavy = [name for name in {heavy!r} if name in sys.modules]
sys.exit(",".join(heavy) or 0)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as content:
        yield content


def text(wheel: zipfile.ZipFile, ending: str) -> str:
    (name,) = [name for name in wheel.namelist() if name.endswith(ending)]
    return wheel.read(name).decode()


def test_it_ships_the_four_packages_and_nothing_beside_them(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}
    assert tops == {"jobs", "udfs", "training", "millrace"}


def test_it_ships_every_module(wheel: zipfile.ZipFile) -> None:
    here = {
        str(path.relative_to(ROOT))
        for package in ("jobs", "udfs", "training", "millrace")
        for path in (ROOT / package).rglob("*.py")
    }
    assert here - set(wheel.namelist()) == set()


def test_it_ships_every_file_of_the_project_that_init_writes(wheel: zipfile.ZipFile) -> None:
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "millrace" / "project" / "template").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert (here - set(wheel.namelist()), len(here)) == (set(), 9)


def test_it_ships_what_the_jars_are_built_from_and_no_built_jar(wheel: zipfile.ZipFile) -> None:
    here = {
        f"millrace/_deploy/{path.relative_to(ROOT / 'deploy')}"
        for module in ("kafka", "flink")
        for path in [ROOT / "deploy" / module / "pom.xml", *(ROOT / "deploy").glob("*/src/**/*")]
        if path.is_file()
    }
    shipped = {name for name in wheel.namelist() if name.startswith("millrace/_deploy/")}
    assert shipped == here


def test_what_a_task_manager_gets_has_no_tensorflow(wheel: zipfile.ZipFile) -> None:
    metadata = Parser().parsestr(text(wheel, "/METADATA"))
    wanted = [Requirement(line) for line in metadata.get_all("Requires-Dist") or []]
    plain = {r.name for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})}
    assert ("apache-flink" in plain, plain & {"tensorflow", "keras"}) == (True, set())
    lock = (ROOT / "requirements-runtime.lock").read_text()
    assert ("apache-flink==" in lock, "\ntensorflow==" in lock) == (True, False)


def test_the_command_and_the_use_case_are_entry_points(wheel: zipfile.ZipFile) -> None:
    points = text(wheel, "/entry_points.txt").splitlines()
    assert {"millrace = millrace.cli.app:main", "fraud = udfs.use_cases.fraud:FRAUD"} <= set(points)


@pytest.mark.parametrize(
    ("packages", "heavy"),
    [
        pytest.param(["jobs", "udfs"], ["tensorflow", "keras"], id="what runs in Flink"),
        pytest.param(
            ["udfs.features", "udfs.use_cases"],
            ["pyflink", "grpc", "tensorflow", "keras"],
            id="features and use cases",
        ),
    ],
)
def test_importing_loads_nothing_heavy(packages: list[str], heavy: list[str]) -> None:
    code = IMPORT_ALL.format(packages=packages, heavy=heavy)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_no_lock_names_an_index() -> None:
    locks = [path.read_text() for path in ROOT.glob("requirements*.lock")]
    named = [line for lock in locks for line in lock.splitlines() if "://" in line]
    pinned = [line for line in locks[0].splitlines() if line[:1].isalnum()]
    assert (len(locks), named, all("==" in line for line in pinned)) == (4, [], True)
