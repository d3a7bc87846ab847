"""Rates: every contestant over the same records, in turns, and the median of its turns."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from benchmarks import topics
from benchmarks.assignment import Assignment
from benchmarks.contestants.registry import MAIN, MANY, SMALL, Contestant
from benchmarks.lab import Lab
from benchmarks.outcome import Outcome, outcome
from benchmarks.progress import last_lines, say
from millrace.stack.processes import wait_until

CUSTOMERS = {MAIN: 5_000, MANY: 200_000, SMALL: 5_000}
_DEADLINE_S = 900.0
_MOST_FALLBACKS = 0.001
_MEAN_TOLERANCE = 1e-4


@dataclass
class Rates:
    """What all turns gave, by contestant.

    Attributes:
        turns: outcomes of the turns.
        wrong: sentences about counts that do not close or values that differ.
    """

    turns: dict[str, list[Outcome]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def by_turn(self) -> dict[str, list[float]]:
        """Records/s of each turn, by contestant."""
        return {name: [turn.rate for turn in all_] for name, all_ in self.turns.items()}

    def medians(self) -> dict[str, float]:
        """Median records/s by contestant."""
        return {name: median(rates) for name, rates in self.by_turn().items()}

    def as_json(self) -> dict[str, object]:
        """Every turn of every contestant."""
        return {name: [asdict(turn) for turn in all_] for name, all_ in self.turns.items()}


def measure_rates(
    lab: Lab, contestants: Sequence[Contestant], sizes: dict[str, int], repeats: int
) -> Rates:
    """Lets the contestants take turns; all that is wrong is collected, not raised."""
    rates = Rates()
    for turn in range(1, repeats + 1):
        for contestant in contestants:
            if contestant.aside and turn > 1:
                continue
            found = _turn(lab, contestant, sizes, turn)
            rates.turns.setdefault(contestant.name, []).append(found)
            wrong = complaints(contestant, found, _reference(rates, contestants, contestant))
            rates.wrong += [f"{contestant.name}, turn {turn}: {text}" for text in wrong]
            note = f" WRONG: {'; '.join(wrong)}" if wrong else ""
            say(
                f"{turn}/{repeats} {contestant.name}: {found.rate:,.0f} records/s over "
                f"{found.steady_s:.1f} s, {found.count:,} predictions{note}"
            )
    return rates


def _turn(lab: Lab, contestant: Contestant, sizes: dict[str, int], turn: int) -> Outcome:
    name = f"{contestant.name}-{turn}"
    assignment = Assignment(
        bootstrap_servers=lab.bootstrap_servers,
        serving_target=lab.serving_target,
        raw_topics=tuple(f"{topic}.raw" for topic in contestant.topics),
        output=name,
        deployment=name,
        directory=str(lab.directory / name),
        jars=tuple(str(jar) for jar in lab.jars),
        target=contestant.target,
        parallelism=contestant.parallelism,
        exactly_once=contestant.exactly_once,
        bounded=True,
        processes=contestant.processes,
    )
    outputs = topics.outputs(name)
    topics.create(lab.bootstrap_servers, outputs)
    inputs = sizes[contestant.topics[0]]
    with lab.contestants(contestant.module, assignment) as running:
        wait_until(lambda: not any(process.alive() for process in running), _DEADLINE_S)
    found = outcome(lab.bootstrap_servers, name, inputs, len(contestant.topics))
    if found.missing:
        say(f"the end of {name}'s log: {last_lines(running[0].log_path)}")
    topics.delete(lab.bootstrap_servers, outputs)
    return found


def _reference(
    rates: Rates, contestants: Sequence[Contestant], contestant: Contestant
) -> Outcome | None:
    """The first outcome of anybody who folded the same topic."""
    for other in contestants:
        same = other.folds and other.topics == contestant.topics
        if same and contestant.folds and rates.turns.get(other.name):
            return rates.turns[other.name][0]
    return None


def complaints(contestant: Contestant, found: Outcome, reference: Outcome | None) -> list[str]:
    """What is wrong with an outcome, in words."""
    wrong = []
    if found.missing or found.twice:
        wrong.append(f"{found.missing} records missing, {found.twice} twice")
    if found.dead_letters:
        wrong.append(f"{found.dead_letters} dead letters of good records")
    if found.fallbacks > _MOST_FALLBACKS * max(found.count, 1):
        wrong.append(f"{found.fallbacks} answers by the rule instead of the model")
    if not found.rate:
        wrong.append("too few records for a steady state")
    if reference and found.sequences != reference.sequences:
        wrong.append("sequence numbers differ from those of the others")
    if reference and abs(found.mean_output - reference.mean_output) > _MEAN_TOLERANCE:
        wrong.append(f"mean score {found.mean_output:.6f} instead of {reference.mean_output:.6f}")
    return wrong
