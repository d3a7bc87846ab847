"""`millrace init` writes a project whose tests pass, or says in a sentence why it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from millrace.cli.app import run
from millrace.project.installation import checkout, running
from millrace.project.write import write_project
from udfs.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]
NAME = "returns"
FILES = {
    ".gitignore",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "returns/__init__.py",
    "returns/use_case.py",
    "returns/world.py",
    "tests/test_contract.py",
    "tests/test_returns.py",
}
# Spoils the rule of a project, so that its outputs are not the model's.
BROKEN_RULE = """

from dataclasses import replace

USE_CASE = replace(USE_CASE, rule=lambda features: ())
"""


def project(folder: Path) -> Path:
    """A project as pip would install it, without pip: an entry point beside its package."""
    write_project(NAME, folder, "somewhere")
    metadata = folder / f"{NAME}-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[millrace.use_cases]\n{NAME} = {NAME}.use_case:USE_CASE\n"
    )
    return folder


def pytest_of(folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(folder)}
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA"]
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_tests_of_a_new_project_pass_with_the_contract(tmp_path: Path) -> None:
    done = pytest_of(project(tmp_path / NAME))
    passed = [line for line in done.stdout.splitlines() if line.startswith("PASSED")]
    assert done.returncode == 0, done.stdout
    assert len([line for line in passed if f"test_contract[{NAME}-" in line]) > 10
    assert len([line for line in passed if "test_returns.py::" in line]) == 2


def test_the_contract_of_a_new_project_fails_when_its_use_case_breaks_it(tmp_path: Path) -> None:
    folder = project(tmp_path / NAME)
    with (folder / NAME / "use_case.py").open("a") as use_case:
        use_case.write(BROKEN_RULE)
    done = pytest_of(folder)
    failed = [line.split(" - ")[0] for line in done.stdout.splitlines() if line[:6] == "FAILED"]
    title = "the_rule_gives_the_outputs_of_the_model"
    assert done.returncode == 1, done.stdout
    assert failed == [f"FAILED tests/test_contract.py::test_contract[{NAME}-{title}]"]


def test_a_project_has_its_name_everywhere_and_knows_where_millrace_is(tmp_path: Path) -> None:
    write_project(NAME, tmp_path, "millrace-flink[train]==9")
    written = files(tmp_path)
    assert set(written) == FILES
    assert not [path for path, text in written.items() if "newcase" in text or "@" + "MILL" in text]
    assert "\nMILLRACE ?= millrace-flink[train]==9\n" in written["Makefile"]


def test_the_command_installs_the_running_checkout_unless_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "place"
    assert run(["init", NAME, "--into", str(folder)]) == 0
    assert running() == checkout(ROOT) == str(ROOT)
    assert f"\nMILLRACE ?= {ROOT}\n" in (folder / "Makefile").read_text()
    assert capsys.readouterr().out.endswith(f"next: cd {folder} && make test && make demo\n")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Returns", "'Returns' cannot name a use case: take lower-case letters"),
        ("my-returns", "'my-returns' cannot name a use case: take lower-case letters"),
        ("_returns", "'_returns' cannot name a use case: take lower-case letters"),
        ("2returns", "'2returns' cannot name a use case: take lower-case letters"),
        ("../returns", "'../returns' cannot name a use case: take lower-case letters"),
        ("returns\n", "'returns\\n' cannot name a use case: take lower-case letters"),
        ("r" * 41, "cannot name a use case: take lower-case letters"),
        ("class", "'class' cannot name a package: the word has a use of its own"),
        ("tests", "'tests' cannot name a package: the word has a use of its own"),
        ("dist", "'dist' cannot name a package: the word has a use of its own"),
        ("fraud", "a use case 'fraud' is installed already; take another name"),
        ("json", "a Python package 'json' exists already; take another name"),
        ("udfs", "a Python package 'udfs' exists already; take another name"),
    ],
)
def test_a_name_that_cannot_be_used_is_one_sentence_and_writes_nothing(
    name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", name, "--into", str(tmp_path / "new")]) == 2
    told = capsys.readouterr().err
    assert (told[:7], told.count("\n"), reason in told) == ("error: ", 1, True)
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(ConfigurationError, match="is not empty; name another folder with --into"):
        write_project(NAME, tmp_path, "somewhere")
    assert files(tmp_path) == {"mine": "kept"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(ConfigurationError, match="is no folder; name another one with --into"):
        write_project(NAME, tmp_path / "mine", "somewhere")


def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_project(NAME, tmp_path / "mine" / "below", "somewhere")


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no checkout of Millrace"):
        checkout(tmp_path)


def test_a_checkout_whose_path_a_makefile_cannot_hold_is_refused(tmp_path: Path) -> None:
    odd = tmp_path / "a$b"
    odd.mkdir()
    (odd / "pyproject.toml").write_text('[project]\nname = "millrace-flink"\n')
    with pytest.raises(ConfigurationError, match=r"has '\$' in its path"):
        checkout(odd)
