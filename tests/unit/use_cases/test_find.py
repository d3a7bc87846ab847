"""A use case is found by name, or a sentence says what is wrong and where."""

import sys
from pathlib import Path

import pytest

from millrace.cli.app import run
from udfs.errors import UseCaseError
from udfs.use_cases.find import find_use_case

NOT_FITTING = """
from dataclasses import replace
from udfs.use_cases.fraud import FRAUD

CASE = replace(FRAUD, rule=lambda features: ())
"""


def installed(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The module of a use case that Python finds; its name is that of the folder."""
    module = f"case_{abs(hash(folder))}"
    (folder / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    return module


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\nCASE = (\n", "SyntaxError: '(' was never closed ({file}:2)"),
        ("\nCASE = unknown\n", "NameError: name 'unknown' is not defined ({file}:2)"),
        ("import no_such_module\n", "No module named 'no_such_module' ({file}:1)"),
        (
            "from udfs.use_cases.contract import UseCase\nCASE = UseCase(name='x')\n",
            "positional arguments: 'record_type', ",
        ),
        (
            "from udfs.features.windows import WindowedAggregate\n\n"
            "CASE = WindowedAggregate('card', 'id', 'cents', ())\n",
            "cannot be loaded: windows_ms of fold 'card' is (); there is at least one, and each is "
            "longer than the one before it ({file}:3)",
        ),
        ("OTHER = 1\n", "has no attribute 'CASE'"),
        ("CASE = 1\n", "is a int, not a UseCase"),
        (NOT_FITTING, "rule of use case 'fraud' gives no array"),
    ],
    ids=["syntax", "name", "import", "missing", "windows", "attribute", "type", "not fitting"],
)
def test_a_use_case_that_is_none_is_told_with_its_place(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = installed(tmp_path, text, monkeypatch)
    with pytest.raises(UseCaseError) as refused:
        find_use_case(f"{module}:CASE")
    assert told.format(file=tmp_path / f"{module}.py") in str(refused.value)


def test_a_command_says_so_in_one_line_and_exits_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = installed(tmp_path, "CASE = unknown\n", monkeypatch)
    assert run(["topics", "show", f"{module}:CASE"]) == 2
    told = capsys.readouterr().err
    assert (told[:7], told.count("\n"), "Traceback" in told) == ("error: ", 1, False)


def test_a_name_that_nothing_has_is_told_with_the_environment_that_was_asked() -> None:
    with pytest.raises(UseCaseError) as refused:
        find_use_case("my_own")
    assert f"known in {sys.prefix} are fraud, maintenance" in str(refused.value)


def test_an_entry_point_and_its_use_case_have_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "other-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[millrace.use_cases]\nother = udfs.use_cases.fraud:FRAUD\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UseCaseError, match="a use case that is called 'fraud'; both have one name"):
        find_use_case("other")
