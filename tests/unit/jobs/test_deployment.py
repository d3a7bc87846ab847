"""State of other features is refused before anything is submitted."""

from pathlib import Path

import pytest

from jobs.deployment import Deployment, remember, remembered
from jobs.options import score_options
from millrace.settings import Settings, StackSettings
from udfs.errors import ConfigurationError
from udfs.use_cases.fraud import SPEC


def settings(tmp_path: Path) -> Settings:
    return Settings(stack=StackSettings(state_dir=tmp_path))


def with_checkpoint(tmp_path: Path, spec_hash: str) -> None:
    """A deployment of that spec with a checkpoint."""
    deployment = tmp_path / "checkpoints" / "millrace-fraud"
    checkpoint = deployment / "0" / "chk-7"
    checkpoint.mkdir(parents=True)
    (checkpoint / "_metadata").touch()
    remember(deployment.as_uri(), Deployment(spec_hash, {"raw": {0: 5}}))


def test_state_of_another_feature_spec_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with_checkpoint(tmp_path, "0123456789abcdef")
    with pytest.raises(ConfigurationError, match="--after millrace-fraud") as refused:
        score_options(settings(tmp_path), "fraud")
    assert f"0123456789abcdef, the use case has {SPEC.hash} now" in str(refused.value)


def test_starting_anew_needs_no_equal_spec(tmp_path: Path) -> None:
    with_checkpoint(tmp_path, "0123456789abcdef")
    assert score_options(settings(tmp_path), "fraud", restore="none").quiet == {}


def test_a_deployment_that_goes_on_stays_quiet_where_it_was(tmp_path: Path) -> None:
    with_checkpoint(tmp_path, SPEC.hash)
    assert score_options(settings(tmp_path), "fraud").quiet == {"raw": {0: 5}}


def test_nothing_is_remembered_of_a_deployment_that_never_ran(tmp_path: Path) -> None:
    assert remembered(tmp_path.as_uri()) is None
    assert remembered("s3://bucket/checkpoints") is None


def test_a_file_that_is_damaged_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "deployment.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"deployment\.json cannot be read"):
        remembered(tmp_path.as_uri())
