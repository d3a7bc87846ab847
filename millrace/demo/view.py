"""The live view: one frame from the tally and the status."""

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from millrace.demo.plan import Plan
from millrace.demo.status import Status, sentence
from millrace.demo.tally import Alert, Snapshot, Source

_ALERTS_SHOWN = 4
_BAR = 20
_MINUTE_S, _HOUR_S = 60, 3600


def frame(plan: Plan, status: Status, seen: Snapshot) -> RenderableType:
    """What is on the terminal at one moment; 80 columns and 24 lines are enough."""
    title = f"[bold]Millrace demo[/] · {plan.story.title} · {clock(seen.seconds)}"
    return Group(
        Rule(title, align="left", style="dim"),
        _line(sentence(status, seen, plan), "bold cyan"),
        Text(),
        _parts(status, seen),
        Text(),
        answers_table(plan, seen),
        Text(),
        *_alerts(plan, seen),
        *_dead_letters(plan, seen),
        _line(_hint(plan, status), "dim"),
    )


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


def _parts(status: Status, seen: Snapshot) -> Table:
    sent, out = f"{seen.history + seen.live:,}", f"{seen.predictions + seen.dead_letters:,}"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="ellipsis", no_wrap=True)
    table.add_row("in", f"{seen.rate_in:>8,.0f} /s  {sent:>11} sent")
    table.add_row("out", f"{seen.rate_out:>8,.0f} /s  {out:>11} answered  {seen.waiting:>9,} wait")
    table.add_row("latency", _latency(seen))
    table.add_row("job", f"{status.job.lower()}; commits every {status.commit_ms / 1000:g} s")
    table.add_row("model", _model(status))
    return table


def _latency(seen: Snapshot) -> str:
    if seen.p50_ms is None or seen.p99_ms is None:
        return "no live record has come out yet"
    return f"p50 {seen.p50_ms:,} ms  p99 {seen.p99_ms:,} ms  (append to readable, with commit)"


def _model(status: Status) -> str:
    if status.progress is not None:
        done = int(_BAR * status.progress.share)
        bar = "━" * done + "╌" * (_BAR - done)
        return f"training: {status.progress.step} {bar} {status.progress.share:.0%}"
    if status.model is not None:
        how = "trained and published by this demo" if status.trained_here else "trained earlier"
        return f"version {status.model.version}, {how}"
    return "a first one is trained as soon as predictions flow"


def _alerts(plan: Plan, seen: Snapshot) -> list[RenderableType]:
    """Always the same number of lines, so that the view does not jump."""
    shown: list[RenderableType] = [
        alert_line(plan, alert) for alert in reversed(seen.alerts[-_ALERTS_SHOWN:])
    ]
    empty = [Text() for _ in range(_ALERTS_SHOWN - len(shown))]
    return [_line(f"newest {plan.story.notable} of live traffic", "dim"), *shown, *empty]


def _dead_letters(plan: Plan, seen: Snapshot) -> list[RenderableType]:
    last = seen.last_letter
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append("dead letters ", style="dim").append(dead_letter_counts(seen))
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
