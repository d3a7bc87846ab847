"""What is judged and what it is compared with are found by number or by directory."""

from dataclasses import replace
from pathlib import Path

import pytest

from millrace.gate import cost, subjects
from millrace.gate.judging import Gate, skipped
from millrace.gate.limits import Limits
from millrace.gate.publishing import publish
from millrace.registry import verdict_of
from millrace.settings import Settings
from millrace.settings.groups import ModelsSettings
from tests.unit.registry import version_folders
from udfs.errors import ConfigurationError, DataError
from udfs.use_cases.contract import ModelSignature
from udfs.use_cases.fraud import FRAUD


def settings(tmp_path: Path) -> Settings:
    models = ModelsSettings(base_path=tmp_path / "models", candidates_path=tmp_path / "candidates")
    return Settings(models=models)


def test_the_newest_candidate_and_the_newest_version_are_taken(tmp_path: Path) -> None:
    for _ in range(2):
        version_folders.candidate(tmp_path / "candidates")
        version_folders.publish(tmp_path / "models")
    candidate = subjects.candidate(settings(tmp_path), FRAUD, None)
    champion = subjects.champion(settings(tmp_path), FRAUD, None)
    assert (candidate.name, candidate.folder) == (
        "candidate 2",
        tmp_path / "candidates" / "fraud" / "2",
    )
    assert champion is not None
    assert (champion.name, champion.folder) == ("fraud:2", tmp_path / "models" / "fraud" / "2")


def test_both_may_be_named_by_number_or_by_directory(tmp_path: Path) -> None:
    for _ in range(2):
        folder = version_folders.candidate(tmp_path / "candidates")
        version_folders.publish(tmp_path / "models")
    assert subjects.candidate(settings(tmp_path), FRAUD, "1").name == "candidate 1"
    assert subjects.candidate(settings(tmp_path), FRAUD, str(folder)).folder == folder
    champion = subjects.champion(settings(tmp_path), FRAUD, "1")
    assert champion is not None and champion.name == "fraud:1"


def test_the_rule_is_the_champion_where_there_is_no_version_or_it_is_asked_for(
    tmp_path: Path,
) -> None:
    assert subjects.champion(settings(tmp_path), FRAUD, None) is None
    version_folders.publish(tmp_path / "models")
    assert subjects.champion(settings(tmp_path), FRAUD, "rule") is None


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (None, r"there is no candidate of fraud .*`millrace train fraud --candidate` makes one"),
        ("9", "there is no candidate 9 of fraud"),
    ],
)
def test_a_missing_candidate_is_told_with_how_to_make_one(
    tmp_path: Path, named: str | None, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        subjects.candidate(settings(tmp_path), FRAUD, named)


def test_a_directory_that_is_no_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither saved_model\.pb nor model\.onnx"):
        subjects.candidate(settings(tmp_path), FRAUD, str(tmp_path))


def test_a_champion_is_not_judged_against_itself(tmp_path: Path) -> None:
    version_folders.publish(tmp_path / "models")
    champion = subjects.champion(settings(tmp_path), FRAUD, None)
    assert champion is not None
    with pytest.raises(ConfigurationError, match="fraud:1 is fraud:1 itself"):
        Gate(FRAUD, champion, Limits()).judge(champion)


def test_a_candidate_of_other_features_is_refused_before_any_server_is_asked(
    tmp_path: Path,
) -> None:
    version_folders.candidate(tmp_path / "candidates")
    candidate = subjects.candidate(settings(tmp_path), FRAUD, None)
    gate = Gate(FRAUD, None, Limits(), server="127.0.0.1:1")
    found = publish(tmp_path / "models", FRAUD, candidate, gate=gate)
    assert [check.name for check in found.verdict.checks] == ["feature spec", "size"]
    assert (found.verdict.outcome, found.version, found.path) == ("refused", None, None)
    assert not (tmp_path / "models").exists()
    assert "it does not take customer_count_1d" in found.verdict.reasons[0]


def test_what_is_published_without_the_gate_says_so(tmp_path: Path) -> None:
    version_folders.candidate(tmp_path / "candidates")
    candidate = subjects.candidate(settings(tmp_path), FRAUD, None)
    found = publish(tmp_path / "models", FRAUD, candidate, gate=None)
    recorded = verdict_of(tmp_path / "models", "fraud", 1)
    assert recorded == found.verdict
    assert recorded is not None
    assert recorded.outcome == skipped(FRAUD, candidate).outcome == "skipped"


def test_a_model_of_another_name_is_not_published(tmp_path: Path) -> None:
    version_folders.candidate(tmp_path / "candidates")
    candidate = subjects.candidate(settings(tmp_path), FRAUD, None)
    loans = replace(FRAUD, name="loans", model=ModelSignature("loans"))
    with pytest.raises(ConfigurationError, match=r"version of model 'fraud'.*asks model 'loans'"):
        publish(tmp_path / "models", loans, candidate, gate=None)


@pytest.mark.parametrize(("most", "outcome"), [(1.0, "passed"), (1e-6, "refused")])
def test_size_has_a_limit(tmp_path: Path, most: float, outcome: str) -> None:
    version_folders.candidate(tmp_path / "candidates")
    candidate = subjects.candidate(settings(tmp_path), FRAUD, None)
    assert cost.size(candidate, candidate, most).outcome == outcome


@pytest.mark.parametrize("server", ["nowhere", "", "a:1,b:2"])
def test_a_server_without_a_port_is_refused(server: str) -> None:
    with pytest.raises(ConfigurationError, match="it is HOST:PORT, such as"):
        Gate(FRAUD, None, Limits(), server=server)
