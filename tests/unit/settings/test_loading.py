"""Settings: what wins over what, and how each mistake is answered."""

import json
from pathlib import Path

import pytest

from millrace.settings import known_settings, load
from udfs.errors import ConfigurationError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No file, no running stack and no variables of the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    for variable in ("MILLRACE_CONFIG", *(known.variable for known in known_settings())):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def message(toml: str) -> str:
    Path("millrace.toml").write_text(toml)
    with pytest.raises(ConfigurationError) as caught:
        load()
    return str(caught.value)


def test_without_file_and_variables_the_defaults_hold() -> None:
    settings = load()
    found = {
        known.name: getattr(getattr(settings, group), name)
        for known in known_settings()
        for group, name in [known.name.split(".")]
    }
    assert found == {known.name: known.default for known in known_settings()}


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("millrace.toml").write_text("[score]\nparallelism = 3\nshards = 8\n")
    monkeypatch.setenv("MILLRACE_SCORE__PARALLELISM", "5")
    score = load().score
    assert (score.parallelism, score.shards) == (5, 8)


def test_the_file_is_named_by_a_variable_or_the_caller(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        (empty_folder / f"{number}.toml").write_text(f"[kafka]\npartitions = {number}\n")
    monkeypatch.setenv("MILLRACE_CONFIG", "1.toml")
    assert [load().kafka.partitions, load(Path("2.toml")).kafka.partitions] == [1, 2]


def test_the_running_stack_says_its_addresses_and_the_file_wins_over_it() -> None:
    Path("here").mkdir()
    addresses = {"kafka": {"bootstrap_servers": "127.0.0.1:5"}, "serving": {"target": "a:6"}}
    Path("here/addresses.json").write_text(json.dumps(addresses))
    Path("millrace.toml").write_text('[stack]\nstate_dir = "here"\n[serving]\ntarget = "b:7"\n')
    settings = load()
    assert (settings.kafka.bootstrap_servers, settings.serving.target) == ("127.0.0.1:5", "b:7")


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        pytest.param(
            "[score]\n\nparalelism = 3\n",
            "unknown setting score.paralelism in millrace.toml:3; did you mean score.parallelism?",
            id="unknown key",
        ),
        pytest.param(
            "[scores]\nparallelism = 3\n",
            "unknown setting scores in millrace.toml:1; did you mean score?",
            id="unknown group",
        ),
        pytest.param("score = 3\n", "score in millrace.toml:1 has to be a table", id="no table"),
        pytest.param(
            "[kafka]\npartitions = 4\n[score]\nshards = 0\n",
            "score.shards in millrace.toml:4 is wrong: "
            "input should be greater than or equal to 1 (it is 0)",
            id="out of range",
        ),
        pytest.param(
            '[score]\nguarantee = "at-most-once"\n',
            "score.guarantee in millrace.toml:2 is wrong: "
            "input should be 'exactly-once' or 'at-least-once' (it is 'at-most-once')",
            id="unknown choice",
        ),
        pytest.param(
            "[kafka.properties]\nacks = 1\n",
            "kafka.properties in millrace.toml:1 is wrong: input should be a valid string",
            id="a property that is no text",
        ),
        pytest.param(
            "[score\n",
            "millrace.toml is not valid TOML: "
            "Expected ']' at the end of a table declaration (at line 1, column 7)",
            id="not TOML",
        ),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence_with_its_place(toml: str, expected: str) -> None:
    assert message(toml) == expected


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        pytest.param(
            "MILLRACE_SCORE__SHARD",
            "3",
            "unknown setting MILLRACE_SCORE__SHARD in the environment; "
            "did you mean MILLRACE_SCORE__SHARDS?",
            id="unknown",
        ),
        pytest.param(
            "MILLRACE_SCORE__SHARDS",
            "many",
            "score.shards in the environment variable MILLRACE_SCORE__SHARDS is wrong: "
            "input should be a valid integer, unable to parse string as an integer (it is 'many')",
            id="wrong type",
        ),
        pytest.param(
            "MILLRACE_KAFKA__PROPERTIES",
            "hunter2",
            "MILLRACE_KAFKA__PROPERTIES in the environment has to be one JSON object of texts",
            id="secret that is not JSON",
        ),
        pytest.param(
            "MILLRACE_CONFIG",
            "nowhere.toml",
            "cannot read the settings file nowhere.toml: No such file or directory",
            id="missing file",
        ),
    ],
)
def test_a_mistake_in_the_environment_is_one_sentence(
    variable: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert str(caught.value) == expected


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_KAFKA__PROPERTIES", '{"sasl.jaas.config": "hunter2"}')
    settings = load()
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert ("hunter2" in shown, "sasl.jaas.config" in shown) == (False, True)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().score.parallelism = 7


def test_every_setting_has_one_line_about_it() -> None:
    wrong = [
        known.name
        for known in known_settings()
        if "\n" in known.description or not known.description.endswith(".")
    ]
    assert wrong == []
