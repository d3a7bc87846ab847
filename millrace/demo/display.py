"""Shows the demo while it runs: a live view on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from threading import Event
from types import TracebackType
from typing import TextIO

from rich.console import Console, RenderableType
from rich.live import Live

from millrace.demo.parts import Part
from millrace.demo.plan import Plan
from millrace.demo.status import Status, sentence
from millrace.demo.tally import Snapshot, Tally
from millrace.demo.view import clock, dead_letter_counts, frame, risk_words, source_name

_FRAMES_PER_SECOND = 4
_LINE_EVERY_S = 5.0
_LOOK_EVERY_S = 0.25


class Display:
    """Inside the block the demo is shown on `stream`, by a thread of its own."""

    def __init__(self, plan: Plan, status: Status, tally: Tally, stream: TextIO) -> None:
        """Shows nothing yet."""
        console = Console(file=stream, highlight=False)
        self._shown: Live | _Lines
        if console.is_terminal:
            self._shown = Live(
                console=console,
                get_renderable=_renderer(plan, status, tally),
                refresh_per_second=_FRAMES_PER_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
        else:
            self._shown = _Lines(plan, status, tally, stream)

    def __enter__(self) -> None:
        """Starts to show."""
        self._shown.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clears the view."""
        self._shown.stop()


def plain_line(plan: Plan, status: Status, seen: Snapshot) -> str:
    """The demo at one moment in one line."""
    told = [f"[{clock(seen.seconds)}] {sentence(status, seen, plan)}"]
    if seen.history + seen.live:
        told.append(f"in {seen.history + seen.live:,} ({seen.rate_in:,.0f}/s)")
        told.append(f"out {seen.predictions + seen.dead_letters:,} ({seen.rate_out:,.0f}/s)")
    told += [f"{source_name(s)} {answers.predictions:,}" for s, answers in seen.answers.items()]
    if seen.first_prediction_s is not None:
        told.append(f"{plan.story.notable} {seen.all_alerts:,}")
        told.append(f"dead letters {dead_letter_counts(seen)}")
    if seen.p50_ms is not None:
        told.append(f"p50 {seen.p50_ms:,} ms, p99 {seen.p99_ms:,} ms")
    if status.progress is not None:
        told.append(f"training: {status.progress}")
    return " | ".join([*told, *_around(plan, status)])


def _around(plan: Plan, status: Status) -> list[str]:
    """Labels, the riskiest key, the archive and the challenger, as far as there are such."""
    told = [f"labels {status.labels_told:,}"] if status.labels_told else []
    watched, risks = plan.story.watched, status.risks
    if watched is not None and risks is not None:
        told += [risk_words(watched, risk).strip() for risk in risks.riskiest(1)]
    if status.archived is not None:
        told.append(f"archive {status.archived.rows:,} in {status.archived.files:,} files")
    progress = status.challenger.progress() if status.challenger else None
    if progress is not None:
        told.append(f"challenger: {progress}")
    return told


class _Lines(Part):
    """Prints a line every few seconds, and when something else happens than before."""

    def __init__(self, plan: Plan, status: Status, tally: Tally, stream: TextIO) -> None:
        super().__init__("display")
        self._plan, self._status, self._tally, self._stream = plan, status, tally, stream
        self._over = Event()

    def stop(self) -> None:
        """Ends it."""
        self._over.set()
        self.join(_LINE_EVERY_S)

    def work(self) -> None:
        """Prints until it is stopped."""
        said, said_at = "", 0.0
        while not self._over.wait(_LOOK_EVERY_S):
            seen = self._tally.snapshot()
            happens = sentence(self._status, seen, self._plan).translate(_WITHOUT_DIGITS)
            now = time.monotonic()
            if happens != said or now - said_at >= _LINE_EVERY_S:
                said, said_at = happens, now
                print(plain_line(self._plan, self._status, seen), file=self._stream, flush=True)


_WITHOUT_DIGITS = str.maketrans("", "", "0123456789,")


def _renderer(plan: Plan, status: Status, tally: Tally) -> Callable[[], RenderableType]:
    return lambda: frame(plan, status, tally.snapshot())
