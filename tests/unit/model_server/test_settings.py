"""Flags and files in, settings or one sentence out."""

from pathlib import Path

import pytest

from millrace.cli.model_server import main
from millrace.model_server.grpc_listener import Listening
from millrace.model_server.model_config import ModelConfig
from millrace.model_server.saved_model import SessionThreads
from millrace.model_server.services import WireOptions
from millrace.model_server.settings import settings
from millrace.model_server.version_policy import All, Latest, Specific


@pytest.fixture
def base_path(tmp_path: Path) -> str:
    """An empty base path."""
    return str(tmp_path)


@pytest.mark.parametrize("form", ["--{}={}", "--{} {}"], ids=["equals sign", "blank"])
def test_flags_become_settings(form: str, base_path: str) -> None:
    values = {
        "port": "0",
        "model_name": "fraud",
        "model_base_path": base_path,
        "file_system_poll_wait_seconds": "2",
        "tensorflow_session_parallelism": "3",
        "tensorflow_inter_op_parallelism": "4",
        "enable_serialization_as_tensor_content": "true",
        "grpc_max_message_bytes": "1000",
        "grpc_bind_address": "::1",
    }
    argv = [part for flag in values.items() for part in form.format(*flag).split(" ")]
    found = settings(argv)
    assert found.listening == Listening(port=0, bind_address="::1", max_message_bytes=1000)
    assert found.models == (ModelConfig("fraud", Path(base_path)),)
    assert (found.poll_wait_s, found.threads) == (2.0, SessionThreads(intra_op=3, inter_op=4))
    assert found.wire == WireOptions(as_content=True, max_tensor_bytes=1000)


def test_defaults_are_safe_and_small(base_path: str) -> None:
    found = settings([f"--model_base_path={base_path}"])
    assert found.listening == Listening(port=8500, bind_address="127.0.0.1")
    assert (found.wire.as_content, found.allow_reload, found.roots) == (False, False, ())
    assert found.models == (ModelConfig("default", Path(base_path)),)
    assert found.threads == SessionThreads(intra_op=1, inter_op=1)
    assert found.poll_wait_s < 1.0


def test_config_file_lists_models(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_text(
        f"""model_config_list: {{
          config: {{ name: "a", base_path: "{tmp_path}", model_platform: "tensorflow" }}
          config {{  # versions and labels
            name: "b" base_path: "{tmp_path}" model_platform: "tensorflow"
            model_version_policy {{ specific {{ versions: 3 versions: 4 }} }}
            version_labels {{ key: "stable" value: 3 }}
          }}
          config: {{ name: "c", base_path: "{tmp_path}", model_platform: "tensorflow"
            model_version_policy: {{ latest: {{ num_versions: 2 }} }} }}
          config: {{ name: "d", base_path: "{tmp_path}", model_platform: "tensorflow"
            model_version_policy: {{ all {{ }} }} }}
        }}
        """
    )
    found = settings([f"--model_config_file={file}"])
    assert found.models == (
        ModelConfig("a", tmp_path),
        ModelConfig("b", tmp_path, policy=Specific(frozenset({3, 4})), labels={"stable": 3}),
        ModelConfig("c", tmp_path, policy=Latest(2)),
        ModelConfig("d", tmp_path, policy=All()),
    )


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--port=0"], "give --model_base_path=DIR or --model_config_file=FILE"),
        (["--model_base_path={}/no"], "/no of model default is no directory"),
        (["--model_base_path={}", "--model_name=a/b"], "'a/b' is no model name"),
        (["--model_base_path={}", "--model_name="], "'' is no model name"),
        (["--model_base_path={}", "--port=http"], "'http' is no port from 0 to 65535"),
        (["--model_base_path={}", "--port=65536"], "'65536' is no port from 0 to 65535"),
        (["--model_base_path={}", "--port"], "expected one argument"),
        (["--model_base_paths={}"], "unknown flag --model_base_paths; did you mean"),
        (["--model_base_path={}", "--mixed_precision=x"], "that this server does not have"),
        (["--model_base_path={}", "--model_roots={}/no"], "is no directory"),
        (["--model_base_path={}", "--grpc_channel_arguments=x"], "'x' is no key=value"),
        (["--model_base_path={}", "--load_retry_interval_micros=x"], "number of microseconds"),
        (["--model_base_path={}", "--file_system_poll_wait_seconds=-1"], "'-1' is no number"),
        (["--model_base_path={}", "--tensorflow_session_parallelism=x"], "is no whole number"),
        (
            ["--model_base_path={}", "--enable_serialization_as_tensor_content=maybe"],
            "'maybe' is neither true nor false",
        ),
        (["--model_base_path={}", "--model_config_file=x"], "not both"),
        (["--model_config_file={}/no"], "cannot read"),
    ],
)
def test_wrong_flag_is_one_sentence(
    argv: list[str], says: str, base_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main([part.format(base_path) for part in argv])
    told = capsys.readouterr().err
    assert (status, told.count("\n")) == (2, 1)
    assert says in told


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model_config_list { config { nme: 'a' } }", "is no ModelServerConfig: 1:"),
        ("model_config_list { }", "has to name at least one model"),
        (
            "model_config_list { config { name: 'a' base_path: '/no' model_platform: 'x' } }",
            "/no of model a is no",
        ),
        (
            "model_config_list { config { name: 'a' base_path: '/' model_platform: 'x' }"
            " config { name: 'a' } }",
            "Illegal to list model a multiple times in config list",
        ),
        (
            "model_config_list { config { name: 'a' base_path: 'b' } }",
            "Expected model a to have an absolute path or URI; got base_path()=b",
        ),
        (
            "model_config_list { config { name: 'a' base_path: '/' } }",
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor",
        ),
        (
            "model_config_list { config { name: 'a' base_path: '/' model_platform: 'x'"
            " model_version_policy { all {} latest {} } } }",
            "model a has more than one version policy: latest, all",
        ),
    ],
)
def test_wrong_config_file_is_one_sentence(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "models.config"
    file.write_text(text)
    status = main([f"--model_config_file={file}"])
    told = capsys.readouterr().err
    assert (status, told.count("\n")) == (2, 1)
    assert says in told


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "--model_base_path=models/fraud" in capsys.readouterr().out
