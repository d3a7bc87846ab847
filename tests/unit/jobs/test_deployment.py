"""State of other features is refused before anything is submitted."""

from pathlib import Path

import pytest

from jobs.deployment import Deployment, remember, remembered
from jobs.filling import Bootstrap
from jobs.options import score_options
from millrace.settings import ScoreSettings, Settings, StackSettings
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
    assert "with --bootstrap ARCHIVE where the topics do not reach back" in str(refused.value)


def test_starting_anew_needs_no_equal_spec(tmp_path: Path) -> None:
    with_checkpoint(tmp_path, "0123456789abcdef")
    assert score_options(settings(tmp_path), "fraud", restore="none").quiet == {}


def test_a_deployment_that_goes_on_stays_quiet_where_it_was(tmp_path: Path) -> None:
    with_checkpoint(tmp_path, SPEC.hash)
    assert score_options(settings(tmp_path), "fraud").quiet == {"raw": {0: 5}}


def bootstrapped(tmp_path: Path) -> str:
    """A deployment whose bootstrap has ended, without a checkpoint of its own; the one it left."""
    checkpoints = tmp_path / "checkpoints" / "millrace-fraud"
    filled = checkpoints / "bootstrap" / "checkpoints" / "0" / "chk-3"
    filled.mkdir(parents=True)
    (filled / "_metadata").touch()
    places = {"raw": {0: 7}}
    remember(checkpoints.as_uri(), Deployment(SPEC.hash, places, places, filled.as_uri()))
    return filled.as_uri()


def test_a_deployment_begins_with_its_bootstrap_and_where_the_archive_ends(tmp_path: Path) -> None:
    filled = bootstrapped(tmp_path)
    options = score_options(settings(tmp_path), "fraud")
    assert (options.begin, options.quiet) == ({"raw": {0: 7}}, {"raw": {0: 7}})
    assert options.flink == {
        "execution.state-recovery.path": filled,
        "execution.state-recovery.ignore-unclaimed-state": "true",
    }
    assert not Bootstrap(settings(tmp_path), "fraud").needed


def test_after_a_bootstrap_a_deployments_own_checkpoint_goes_first(tmp_path: Path) -> None:
    bootstrapped(tmp_path)
    own = tmp_path / "checkpoints" / "millrace-fraud" / "0" / "chk-7"
    own.mkdir(parents=True)
    (own / "_metadata").touch()
    options = score_options(settings(tmp_path), "fraud")
    assert options.flink == {"execution.state-recovery.path": own.as_uri()}
    assert options.begin == {"raw": {0: 7}}


def test_a_bootstrap_that_did_not_end_is_no_beginning(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "millrace-fraud" / "bootstrap").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="millrace-fraud did not end: repeat it with --bo"):
        score_options(settings(tmp_path), "fraud")
    assert score_options(settings(tmp_path), "fraud", restore="none").begin == {}
    assert Bootstrap(settings(tmp_path), "fraud").needed


def test_a_bootstrap_needs_checkpoints_on_a_path(tmp_path: Path) -> None:
    score = ScoreSettings(checkpoint_dir="s3://bucket/checkpoints")
    given = settings(tmp_path).model_copy(update={"score": score})
    with pytest.raises(ConfigurationError, match="a bootstrap needs a path"):
        Bootstrap(given, "fraud").continuations()


def test_nothing_is_remembered_of_a_deployment_that_never_ran(tmp_path: Path) -> None:
    assert remembered(tmp_path.as_uri()) is None
    assert remembered("s3://bucket/checkpoints") is None


def test_a_file_that_is_damaged_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "deployment.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"deployment\.json cannot be read"):
        remembered(tmp_path.as_uri())
