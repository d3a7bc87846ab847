"""The session of a broker: long where no end of an earlier one has to be waited for."""

from pathlib import Path

import pytest

from millrace.stack.broker import LONG_SESSION_MS, SHORT_SESSION_MS, session_ms


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (None, LONG_SESSION_MS),
        (("meta.properties", ".kafka_cleanshutdown"), LONG_SESSION_MS),
        (("meta.properties",), SHORT_SESSION_MS),
    ],
    ids=["a new broker", "after a clean end", "after kill -9"],
)
def test_the_session_is_short_only_after_a_run_that_was_killed(
    files: tuple[str, ...] | None, expected: int, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    if files is not None:
        data.mkdir()
        for name in files:
            (data / name).touch()
    assert session_ms(data) == expected
