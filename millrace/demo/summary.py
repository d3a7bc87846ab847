"""What a demo ends with: figures that close, for people and for programs."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from millrace.demo.archiving import Archived
from millrace.demo.audit import ArchiveAudit, Audit, LabelAudit
from millrace.demo.challenger import Challenger
from millrace.demo.next_steps import next_steps
from millrace.demo.plan import Plan
from millrace.demo.rates import quantile
from millrace.demo.tally import Snapshot
from millrace.demo.view import answers_table, clock, dead_letter_counts
from millrace.manifest import Manifest


@dataclass(frozen=True)
class Summary:
    """The outcome of a demo.

    Attributes:
        once: whether it ran to an end by its plan.
        seen: the last look at what came out.
        counted: the topics read anew after the job's end; None when nobody waited for that.
        model: the newest version that fits the features.
        trained_s: how long its training took, None when it was there before.
        latencies_ms: sent to readable, of the steady answers of a model.
        archived: what the archive holds; None when its job was not started.
        kept: the archive beside the topics after the job's end; None when nobody waited for that.
        challenger: the model from the archive; None when none was to be trained.
    """

    once: bool
    seen: Snapshot
    counted: Audit | None
    model: Manifest | None
    trained_s: float | None
    latencies_ms: list[int]
    archived: Archived | None = None
    kept: ArchiveAudit | None = None
    challenger: Challenger | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with the outcome, None when all is well."""
        if self.counted is not None and not self.counted.closes:
            c = self.counted
            return (
                f"the counts do not close: {c.inputs:,} inputs, {c.predictions:,} predictions, "
                f"{c.dead_letters:,} dead letters, {c.missing:,} missing, {c.extra:,} extra"
            )
        if self.counted is not None and self.counted.labels and not self.counted.labels.closes:
            return f"the labels do not close: {_labels(self.counted.labels)}"
        if self.kept is not None and not self.kept.closes:
            k = self.kept
            return (
                f"the archive does not close: {k.missing:,} records missing, {k.twice:,} twice, "
                f"{k.waiting:,} behind"
            )
        if self.once and self.seen.first_model_s is None:
            return "no model answered a live record"
        return None

    def as_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        seen, c = self.seen, self.counted
        inputs = c.inputs if c else seen.history + seen.live
        return {
            "inputs": inputs,
            "history": seen.history,
            "live": seen.live,
            "malformed": seen.malformed,
            "predictions": c.predictions if c else seen.predictions,
            "dead_letters": c.dead_letters if c else seen.dead_letters,
            "missing": c.missing if c else seen.waiting,
            "extra": c.extra if c else None,
            "counts_close": self._closes(),
            "answers": [
                {"route": route, "model_version": version, **vars(answers)}
                for (route, version), answers in seen.answers.items()
            ],
            "alerts": seen.all_alerts,
            "dead_letters_by_reason": dict(seen.reasons),
            "model_version": self.model.version if self.model else None,
            "training_s": _rounded(self.trained_s),
            "first_prediction_s": _rounded(seen.first_prediction_s),
            "first_model_prediction_s": _rounded(seen.first_model_s),
            "latency_ms": {
                "records": len(self.latencies_ms),
                "p50": quantile(self.latencies_ms, 0.5),
                "p99": quantile(self.latencies_ms, 0.99),
            },
            "labels": asdict(c.labels) if c and c.labels else None,
            "archive": self._archive(),
            "challenger": self._challenger(),
            "seconds": _rounded(seen.seconds),
        }

    def _closes(self) -> bool | None:
        """Whether all counts that were made close; None when none was made."""
        c = self.counted
        if c is None:
            return None
        labels, archive = c.labels is None or c.labels.closes, self.kept is None or self.kept.closes
        return c.closes and labels and archive

    def _archive(self) -> dict[str, Any] | None:
        if self.archived is None:
            return None
        told = {**asdict(self.archived), "path": str(self.archived.path)}
        return told | (asdict(self.kept) | {"closes": self.kept.closes} if self.kept else {})

    def _challenger(self) -> dict[str, Any] | None:
        if self.challenger is None:
            return None
        verdict, version = self.challenger.verdict, self.challenger.published
        return {
            "outcome": verdict.outcome if verdict else self.challenger.step.value,
            "reasons": verdict.reasons if verdict else [],
            "model_version": version.version if version else None,
            "training_s": _rounded(self.challenger.train_s),
            "gate_s": _rounded(self.challenger.gate_s),
        }


def show(summary: Summary, plan: Plan, console: Console) -> None:
    """Prints the summary for people, with what to try next."""
    console.print(f"[bold]Millrace demo[/] of {plan.story.title}, {clock(summary.seen.seconds)}")
    console.print(_figures(summary, plan))
    console.print()
    console.print(answers_table(plan, summary.seen))
    console.print()
    console.print(next_steps(plan))


def _figures(summary: Summary, plan: Plan) -> Table:
    seen = summary.seen
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_row("counts", _counts(summary))
    table.add_row("dead letters", dead_letter_counts(seen))
    if summary.counted is not None and summary.counted.labels is not None:
        table.add_row("labels", _labels(summary.counted.labels))
    table.add_row("archive", _archive(summary))
    table.add_row("first prediction", _after(seen.first_prediction_s))
    table.add_row("first by the model", _after(seen.first_model_s))
    if summary.trained_s is not None:
        table.add_row("training", f"{summary.trained_s:.0f} s, {_quality(summary.model, plan)}")
    elif summary.model is not None:
        reused = f"version {summary.model.version} was there already; --retrain trains a new one"
        table.add_row("training", reused)
    if summary.challenger is not None:
        took = f"trained in {summary.challenger.train_s:.0f} s from the archive alone"
        table.add_row("challenger", took if summary.challenger.candidate else "not trained")
        if summary.challenger.verdict is not None:
            table.add_row("", summary.challenger.outcome())
    if summary.latencies_ms:
        p50, p99 = (quantile(summary.latencies_ms, share) for share in (0.5, 0.99))
        of = f"{len(summary.latencies_ms):,} answers of the model"
        table.add_row("latency", f"p50 {p50:,} ms, p99 {p99:,} ms from sent to readable")
        table.add_row("", f"by read_committed, of {of}")
    return table


def _counts(summary: Summary) -> str:
    counted, seen = summary.counted, summary.seen
    if counted is None:
        sent = f"{seen.history:,} of history and {seen.live:,} live records sent"
        return f"{sent}, {seen.waiting:,} of them still on their way"
    total = f"{counted.inputs:,} in = {counted.predictions:,} predictions"
    if counted.closes:
        return f"{total} + {counted.dead_letters:,} dead letters, each once"
    return f"{total} + {counted.dead_letters:,} dead letters does not hold"


def _labels(labels: LabelAudit) -> str:
    """Where the labels went."""
    parts = [f"{labels.changes:,} joined with their records"]
    parts += [f"{labels.unchanged:,} that change nothing"] if labels.unchanged else []
    parts += [f"{labels.waiting:,} of dead letters"] if labels.waiting else []
    parts += [f"{labels.refused:,} refused"] if labels.refused else []
    return f"{labels.told:,} in {'=' if labels.closes else 'is not'} {' + '.join(parts)}"


def _archive(summary: Summary) -> str:
    archived, kept = summary.archived, summary.kept
    if archived is None:
        return "not begun: it starts with the model's first answer"
    size = f"{archived.files:,} files, {archived.size / 1e6:,.1f} MB in {shortest(archived.path)}"
    if kept is None:
        return f"{archived.rows:,} records so far; {size}"
    how = "each offset once" if kept.closes else "which does not hold"
    return f"{sum(kept.rows.values()):,} records of {len(kept.rows)} topics, {how}; {size}"


def shortest(path: Path) -> str:
    """A path, from here when it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _quality(model: Manifest | None, plan: Plan) -> str:
    """How good the model is beside the rule, by the story's measure or the first there is."""
    measures = model.metrics if model else {}
    both = [name for name in measures if f"rule_{name}" in measures]
    name = plan.story.measure if plan.story.measure in both else next(iter(both), None)
    if name is None:
        return "without a measure beside the rule's"
    model_s, rule_s = measures[name], measures[f"rule_{name}"]
    return f"{name.replace('_', ' ')} {model_s:.2f} of the model, {rule_s:.2f} of the rule"


def _after(seconds: float | None) -> str:
    return "none came" if seconds is None else f"after {seconds:.1f} s"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
