"""What the demo shows: one sentence, a frame that fits, lines for pipes, a summary."""

import io
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from rich.console import Console

from millrace.demo.archiving import Archived
from millrace.demo.audit import ArchiveAudit, Audit, LabelAudit
from millrace.demo.challenger import Challenger, Step
from millrace.demo.command import Progress
from millrace.demo.display import plain_line
from millrace.demo.risks import Risks, Row
from millrace.demo.status import Stage, Status, sentence
from millrace.demo.stories import story_of
from millrace.demo.summary import Summary, show
from millrace.demo.tally import Snapshot
from millrace.demo.view import frame
from millrace.verdict import Check, Verdict
from tests.unit.demo.builders import answer, letter, plan, tally, transaction
from tests.unit.registry.version_folders import manifest
from udfs.use_cases.fraud import FRAUD, SPEC
from udfs.use_cases.maintenance import MAINTENANCE

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


def whole(tmp_path: Path) -> Status:
    """A demo whose archive, labels and challenger are under way."""
    watched = story_of(FRAUD).watched
    assert watched is not None
    risks = Risks(watched, FRAUD, started=time.monotonic())
    for risk in (0.5, 0.75):
        features = {"terminal_risk_30d": risk, "terminal_count_30d": 12.0}
        risks.take(Row(23, 0, [features.get(name, 0.0) for name in SPEC.names]))
    (tmp_path / "challenger.log").write_text("days of labels 36 of 36\nepochs 6 of 12\n")
    challenger = Challenger(plan(), tmp_path, tmp_path)
    challenger.step = Step.TRAINING
    return replace(
        RUNNING,
        model=manifest(version=1),
        labels_told=1_200,
        archived=Archived(300, 40_000, 7_500_000, 12_000, tmp_path),
        challenger=challenger,
        risks=risks,
    )


def frame_lines(status: Status, snapshot: Snapshot) -> list[str]:
    """The view on a small terminal."""
    out = io.StringIO()
    Console(file=out, width=80, height=24).print(frame(plan(), status, snapshot))
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("status", "snapshot", "expected"),
    [
        (Status(), tally().snapshot(), "A Kafka broker starts"),
        (RUNNING, tally().snapshot(), "Flink starts in this process"),
        (RUNNING, seen(predictions=9), "The job replays 60 days"),
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
    lines = frame_lines(status, snapshot)
    assert (len(lines) < 24, max(map(len, lines)) <= 80) == (True, True)


def test_a_frame_with_all_there_is_fits_too(tmp_path: Path) -> None:
    lines = frame_lines(whole(tmp_path), busy())
    assert (len(lines) < 24, max(map(len, lines)) <= 80) == (True, True)


def test_text_of_a_record_is_no_markup() -> None:
    out, shown = io.StringIO(), plan(story=story_of(MAINTENANCE))
    view = frame(shown, RUNNING, replace(busy(), alerts=()))
    Console(file=out, width=100, force_terminal=False).print(view)
    assert "fraud.raw 0:20 empty: [bold]Expected[/] `int`" in out.getvalue()


def test_the_view_shows_labels_risks_archive_and_challenger(tmp_path: Path) -> None:
    lines = [" ".join(line.split()) for line in frame_lines(whole(tmp_path), busy())]
    assert "labels 1,200 told, 7 days after the event; a day passes in 60 s" in lines
    assert "archive 40,000 records in 300 files, 7.5 MB" in lines
    assert "terminal 23 0.75 9 of 12 ▲ from 0.50 at 0:00" in lines
    assert "model version 1; challenger: epochs ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌ 50%" in lines


def test_a_plain_line_has_the_counts(tmp_path: Path) -> None:
    line = plain_line(plan(), whole(tmp_path), busy())
    assert {"rule 3", "model version 1 17", "alerts 20", "dead letters 1: empty 1"} <= set(
        line.split(" | ")
    )
    assert {"labels 1,200", "archive 40,000 in 300 files", "challenger: epochs 50%"} <= set(
        line.split(" | ")
    )


LABELS = LabelAudit(told=9, changes=7, unchanged=0, refused=1, waiting=1)
ARCHIVE = ArchiveAudit({"raw": 2, "labels": 9}, missing=0, twice=0, waiting=0)
GOOD = Audit(2, 1, 1, 0, 0, LABELS)


@pytest.mark.parametrize(
    ("once", "counted", "kept", "first_model_s", "problem"),
    [
        (True, GOOD, ARCHIVE, 3.0, None),
        (True, Audit(2, 1, 0, 1, 0), None, 3.0, "the counts do not close: 2 inputs, 1 predictions"),
        (True, replace(GOOD, labels=replace(LABELS, told=10)), None, 3.0, "the labels do not"),
        (True, GOOD, replace(ARCHIVE, waiting=3), 3.0, "the archive does not close: 0 records"),
        (True, Audit(2, 1, 1, 0, 0), None, None, "no model answered a live record"),
        (False, Audit(2, 1, 1, 0, 0), None, None, None),
        (False, None, None, None, None),
    ],
    ids=["well", "missing", "label", "archive", "no model", "live without model", "not drained"],
)
def test_a_summary_knows_whether_all_is_well(
    once: bool,
    counted: Audit | None,
    kept: ArchiveAudit | None,
    first_model_s: float | None,
    problem: str | None,
) -> None:
    summary = Summary(once, seen(first_model_s=first_model_s), counted, None, None, [], kept=kept)
    assert (summary.problem or "").startswith(problem or "")
    assert (summary.problem is None) == (problem is None)


@pytest.mark.parametrize("counted", [Audit(21, 20, 1, 0, 0, LABELS), None], ids=["counted", "not"])
def test_a_summary_is_shown_to_people_and_programs(counted: Audit | None, tmp_path: Path) -> None:
    status = whole(tmp_path)
    kept = ARCHIVE if counted else None
    summary = Summary(
        True, busy(), counted, None, 12.0, [400, 900], status.archived, kept, status.challenger
    )
    out = io.StringIO()
    show(summary, plan(), Console(file=out, width=120))
    told = json.loads(json.dumps(summary.as_json()))
    assert "millrace models list" in out.getvalue()
    assert ("9 in = 7 joined with their records" in out.getvalue()) == (counted is not None)
    assert told["latency_ms"] == {"records": 2, "p50": 400, "p99": 900}
    assert told["counts_close"] is (True if counted else None)
    assert told["archive"]["files"] == 300


@pytest.mark.parametrize("version", [2, None], ids=["published", "refused"])
def test_what_the_gate_said_of_a_challenger_is_told(version: int | None, tmp_path: Path) -> None:
    challenger = whole(tmp_path).challenger
    assert challenger is not None
    challenger.step, challenger.candidate = Step.DONE, manifest(version=4)
    outcome: Literal["passed", "refused"] = "passed" if version else "refused"
    checks = (Check("metrics", outcome, "0.7 beside 0.6"),)
    challenger.verdict = Verdict(outcome, "fraud", "4", "x", checks=checks)
    challenger.published = manifest(version=version) if version else None
    told = challenger.outcome()
    assert told == (
        "candidate 4 passed the gate as version 2: 0.7 beside 0.6"
        if version
        else "candidate 4 refused by the gate: metrics: 0.7 beside 0.6"
    )
