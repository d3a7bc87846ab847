"""What the demo shows: one sentence, a frame that fits, lines for pipes, a summary."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from millrace.demo.audit import Audit
from millrace.demo.display import plain_line
from millrace.demo.status import Stage, Status, sentence
from millrace.demo.summary import Summary, show
from millrace.demo.tally import Snapshot
from millrace.demo.training import Progress
from millrace.demo.view import frame
from tests.unit.demo.builders import answer, letter, plan, tally, transaction

RUNNING = Status(stage=Stage.JOB, job="RUNNING", announced=True, commit_ms=1_000)


def busy() -> Snapshot:
    """A demo with more of everything than fits a frame."""
    counts = tally()
    for number in range(20):
        counts.produces_live(number, transaction(number), number % 2 == 0)
        counts.predicted(answer(number, decision=True, version=None if number < 3 else 1))
    counts.refused(letter(20))
    return counts.snapshot()


def seen(**changes: Any) -> Snapshot:
    first = {"first_prediction_s": 9.0, "predictions": 10, "history": 10, "live": 5}
    return replace(tally().snapshot(), **{**first, **changes})


@pytest.mark.parametrize(
    ("status", "snapshot", "expected"),
    [
        (Status(), tally().snapshot(), "A Kafka broker starts"),
        (RUNNING, tally().snapshot(), "Flink starts in this process"),
        (RUNNING, seen(predictions=9), "The job replays 8 days"),
        (RUNNING, seen(last_source=("fallback:rule", None)), "A rule answers live transactions"),
        (RUNNING, seen(last_source=("stable", 3)), "Model version 3 scores live"),
        (RUNNING, seen(live=50_000), "The job catches up"),
        (
            RUNNING,
            seen(first_model_s=9.5, fallback_reason="deadline"),
            "The model does not answer (deadline)",
        ),
        (replace(RUNNING, job="RESTARTING"), seen(), "The job is restarting"),
        (replace(RUNNING, stage=Stage.DRAINING), seen(), "No more transactions are sent"),
        (replace(RUNNING, stage=Stage.COUNTING), seen(), "Every topic is read anew"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_sentence_says_what_happens(status: Status, snapshot: Snapshot, expected: str) -> None:
    assert sentence(status, snapshot, plan()).startswith(expected)


@pytest.mark.parametrize("status", [Status(), replace(RUNNING, progress=Progress("epochs", 0.5))])
@pytest.mark.parametrize("snapshot", [tally().snapshot(), busy()], ids=["empty", "busy"])
def test_a_frame_fits_a_small_terminal(status: Status, snapshot: Snapshot) -> None:
    out = io.StringIO()
    Console(file=out, width=80, height=24).print(frame(plan(), status, snapshot))
    lines = out.getvalue().splitlines()
    assert (len(lines) < 24, max(map(len, lines)) <= 80) == (True, True)


def test_text_of_a_record_is_no_markup() -> None:
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False).print(frame(plan(), RUNNING, busy()))
    assert "fraud.raw 0:20 empty: [bold]Expected[/] `int`" in out.getvalue()


def test_a_plain_line_has_the_counts() -> None:
    line = plain_line(plan(), RUNNING, busy())
    assert {"rule 3", "model version 1 17", "alerts 20", "dead letters 1: empty 1"} <= set(
        line.split(" | ")
    )


@pytest.mark.parametrize(
    ("once", "counted", "first_model_s", "problem"),
    [
        (True, Audit(2, 1, 1, 0, 0), 3.0, None),
        (True, Audit(2, 1, 0, 1, 0), 3.0, "the counts do not close: 2 inputs, 1 predictions, "),
        (True, Audit(2, 1, 1, 0, 0), None, "no model answered a live record"),
        (False, Audit(2, 1, 1, 0, 0), None, None),
        (False, None, None, None),
    ],
    ids=["well", "missing", "no model", "live without model", "live not drained"],
)
def test_a_summary_knows_whether_all_is_well(
    once: bool, counted: Audit | None, first_model_s: float | None, problem: str | None
) -> None:
    summary = Summary(once, seen(first_model_s=first_model_s), counted, None, None, [])
    assert (summary.problem or "").startswith(problem or "")
    assert (summary.problem is None) == (problem is None)


@pytest.mark.parametrize("counted", [Audit(21, 20, 1, 0, 0), None], ids=["counted", "not"])
def test_a_summary_is_shown_to_people_and_programs(counted: Audit | None) -> None:
    summary = Summary(True, busy(), counted, None, 12.0, [400, 900])
    out = io.StringIO()
    show(summary, plan(), Console(file=out, width=80))
    told = json.loads(json.dumps(summary.as_json()))
    assert "millrace models list" in out.getvalue()
    assert told["latency_ms"] == {"records": 2, "p50": 400, "p99": 900}
    assert told["counts_close"] is (True if counted else None)
