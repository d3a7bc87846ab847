"""The live view: one frame from the tally and the status."""

from datetime import datetime, timezone

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from millrace.demo.challenger import Challenger, Step
from millrace.demo.command import Progress
from millrace.demo.plan import Plan
from millrace.demo.risks import Risk
from millrace.demo.status import Status, sentence
from millrace.demo.stories import Watched
from millrace.demo.tally import Alert, Snapshot, Source

_ALERTS_SHOWN, _FEW = 4, 3
_BAR = 20
_MINUTE_S, _HOUR_S = 60, 3600


def frame(plan: Plan, status: Status, seen: Snapshot) -> RenderableType:
    """What is on the terminal at one moment; 80 columns and 24 lines are enough."""
    crowded = status.risks is not None
    space = [] if crowded else [Text()]
    return Group(
        Rule(_title(plan, seen), align="left", style="dim"),
        _line(sentence(status, seen, plan), "bold cyan"),
        *space,
        _parts(plan, status, seen),
        Text(),
        answers_table(plan, seen),
        *space,
        *_alerts(plan, seen, _FEW if crowded else _ALERTS_SHOWN),
        *_risks(plan, status),
        *_dead_letters(plan, seen, with_last=not crowded),
        _line(_hint(plan, status), "dim"),
    )


def _title(plan: Plan, seen: Snapshot) -> str:
    title = f"[bold]Millrace demo[/] · {plan.story.title} · {clock(seen.seconds)}"
    if plan.story.day_s is None or seen.event_time_ms is None:
        return title
    return f"{title} · demo time {day_and_hour(seen.event_time_ms)}"


def day_and_hour(time_ms: int) -> str:
    """A time in UTC as people say it.

    >>> day_and_hour(1_753_999_999_999)
    'Thu 2025-07-31 22:13'
    """
    return datetime.fromtimestamp(time_ms / 1_000, timezone.utc).strftime("%a %Y-%m-%d %H:%M")


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours when there are some.

    >>> clock(65.4), clock(3700)
    ('1:05', '1:01:40')
    """
    minutes, second = divmod(int(seconds), _MINUTE_S)
    if seconds < _HOUR_S:
        return f"{minutes}:{second:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def source_name(source: Source) -> str:
    """A route and model version in words.

    >>> source_name(("stable", 3)), source_name(("fallback:rule", None))
    ('model version 3', 'rule')
    """
    route, version = source
    if version is None:
        return route.removeprefix("fallback:")
    return f"model version {version}" + ("" if route == "stable" else f" ({route})")


def answers_table(plan: Plan, seen: Snapshot) -> Table:
    """Who answered how many, and how well as the generator knows."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("answered by", min_width=16)
    for name in ("predictions", *plan.story.headings):
        table.add_column(name, justify="right")
    for source, answers in seen.answers.items():
        figures = plan.story.figures(answers)
        table.add_row(source_name(source), f"{answers.predictions:,}", *figures)
    if not seen.answers:
        table.add_row("nobody yet", "0", *["-"] * len(plan.story.headings))
    return table


def dead_letter_counts(seen: Snapshot) -> str:
    """How many dead letters of which reason."""
    reasons = " · ".join(f"{reason} {count:,}" for reason, count in seen.reasons.items())
    return f"{seen.dead_letters:,}" + (f": {reasons}" if reasons else "")


def alert_line(plan: Plan, alert: Alert) -> Text:
    """An alert in one line, with the truth that the generator knows."""
    answer = alert.answer
    source = source_name((answer.route, answer.model_version))
    text = Text(f"  {clock(alert.seen_s):>5} {plan.story.describe(alert.record)} ", no_wrap=True)
    text.append(f"{plan.story.say(answer)}  {source.removeprefix('model ')}")
    if not alert.positive:
        text.append("  false alarm", style="yellow")
    text.overflow = "ellipsis"
    return text


def _parts(plan: Plan, status: Status, seen: Snapshot) -> Table:
    sent, out = f"{seen.history + seen.live:,}", f"{seen.predictions + seen.dead_letters:,}"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="ellipsis", no_wrap=True)
    table.add_row("in", f"{seen.rate_in:>8,.0f} /s  {sent:>11} sent")
    table.add_row("out", f"{seen.rate_out:>8,.0f} /s  {out:>11} answered  {seen.waiting:>9,} wait")
    table.add_row("latency", _latency(status, seen))
    table.add_row("model", _model(status))
    if plan.use_case.labels is not None:
        pace = f"; a day passes in {plan.story.day_s:g} s" if plan.story.day_s else ""
        delay = f"{plan.use_case.label_delay.days} days after the event"
        table.add_row("labels", f"{status.labels_told:,} told, {delay}{pace}")
    table.add_row("archive", archive_words(status))
    return table


def _latency(status: Status, seen: Snapshot) -> str:
    if seen.p50_ms is None or seen.p99_ms is None:
        return "no live record has come out yet"
    how = f"sent to readable; commits every {status.commit_ms / 1000:g} s"
    return f"p50 {seen.p50_ms:,} ms  p99 {seen.p99_ms:,} ms  ({how})"


def _model(status: Status) -> str:
    if status.progress is not None:
        return f"training: {bar(status.progress)}"
    if status.model is None:
        return "a first one is trained as soon as predictions flow"
    version, how = f"version {status.model.version}", "trained earlier"
    if status.challenger is not None and status.challenger.step is not Step.WAITING:
        return f"{version}{_challenged(status.challenger)}"
    if status.trained_here:
        how = "trained and published by this demo"
    return f"{version}, {how}"


def _challenged(challenger: Challenger) -> str:
    """What the challenger of a version does, or has become."""
    if (progress := challenger.progress()) is not None:
        return f"; challenger: {bar(progress)}"
    if challenger.published is not None:
        return ", trained from the archive; the gate let it pass"
    if challenger.step is Step.DONE:
        return f" stays; {challenger.outcome()}"
    return "; the gate puts the same rows to the challenger from the archive"


def archive_words(status: Status) -> str:
    """What the archive holds."""
    archived = status.archived
    if archived is None:
        return "begins with the model's first answer"
    if not archived.rows:
        return "its job runs; files are complete with its first checkpoint"
    return f"{archived.rows:,} records in {archived.files:,} files, {archived.size / 1e6:,.1f} MB"


def bar(progress: Progress) -> str:
    """How far something is."""
    if progress.share is None:
        return progress.step
    done = int(_BAR * progress.share)
    return f"{progress.step} {'━' * done}{'╌' * (_BAR - done)} {progress.share:.0%}"


def _alerts(plan: Plan, seen: Snapshot, number: int) -> list[RenderableType]:
    """Always the same number of lines, so that the view does not jump."""
    shown: list[RenderableType] = [
        alert_line(plan, alert) for alert in reversed(seen.alerts[-number:])
    ]
    empty = [Text() for _ in range(number - len(shown))]
    return [_line(f"newest {plan.story.notable} of live traffic", "dim"), *shown, *empty]


def _risks(plan: Plan, status: Status) -> list[RenderableType]:
    """The riskiest keys and how their risk moved; always the same number of lines."""
    watched = plan.story.watched
    if watched is None or status.risks is None:
        return []
    shown = [_line(risk_words(watched, risk), "") for risk in status.risks.riskiest(_FEW)]
    empty = [Text() for _ in range(_FEW - len(shown))]
    return [_line(watched.title, "dim"), *shown, *empty]


def risk_words(watched: Watched, risk: Risk) -> str:
    """A key, its risk, and the last move of it.

    >>> watched = Watched("", "terminal", risk="r", count="n", least=5)
    >>> risk_words(watched, Risk(17, 0.75, 12, before=0.5, moved_s=65))
    '  terminal 17      0.75   9 of 12   ▲ from 0.50 at 1:05'
    """
    told = (
        f"  {watched.noun} {risk.key:<6}  {risk.risk:.2f}  {risk.positives:>2} of {risk.count:<3}"
    )
    if risk.before is None:
        return told
    arrow = "▲" if risk.risk > risk.before else "▼"
    return f"{told}  {arrow} from {risk.before:.2f} at {clock(risk.moved_s)}"


def _dead_letters(plan: Plan, seen: Snapshot, *, with_last: bool) -> list[RenderableType]:
    last = seen.last_letter
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("dead letters ", style="dim").append(dead_letter_counts(seen))
    if not with_last:
        return [text]
    if last is None:
        return [text, Text()]
    place = f"{plan.use_case.name}.raw {last.source_partition}:{last.source_offset}"
    return [text, _line(f"  {place} {last.reason.value}: {last.detail}", "")]


def _hint(plan: Plan, status: Status) -> str:
    if not status.announced:
        return "Ctrl-C ends it."
    return f"Ctrl-C ends it. In another terminal: millrace tail {plan.use_case.name}.predictions"


def _line(content: str, style: str) -> Text:
    return Text(content, style=style, no_wrap=True, overflow="ellipsis")
