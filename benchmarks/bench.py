"""Measures the score job beside others: `python -m benchmarks.bench`, or `make bench`.

Tables for people, then one JSON object as the last line of standard output; progress goes to
standard error. The exit status is not 0 when something could not be measured or counts are wrong;
a missed bar is a result like any other.
"""

import json
import sys
from collections.abc import Sequence
from subprocess import CalledProcessError

from confluent_kafka import KafkaException
from rich.console import Console

from benchmarks.bare_memory import bare_worker_bytes
from benchmarks.contestants.registry import GENERATED
from benchmarks.interruption import INTERRUPTED, sigterm_interrupts
from benchmarks.lab import Lab, open_lab
from benchmarks.latency import Schedule, measure_latency
from benchmarks.options import BenchOptions, parse
from benchmarks.progress import say
from benchmarks.rates import CUSTOMERS, measure_rates
from benchmarks.report import Report, show
from benchmarks.stage_costs import generated_stage_costs, stage_costs
from udfs.errors import MillraceError

_BROKEN_OFF = 4
_HALF_OF_NOTHING = 30_000
_HAND_WARM_UP_S = 15.0  # nothing is compiled there while it runs

# Key, module, exactly-once, target, part of a quick run.
_LATENCY_RUNS = (
    ("score_at_least_once", "score", False, "balanced", True),
    ("handwritten_unguarded_1", "handwritten_unguarded", False, "balanced", True),
    ("score_exactly_once", "score", True, "balanced", True),
    ("handwritten_durable", "handwritten_durable", True, "balanced", False),
    ("score_at_least_once_latency", "score", False, "latency", False),
)


def measure(options: BenchOptions) -> Report:
    """Everything that the options ask for."""
    report = Report(options.sizes)
    use_cases = [name for name in GENERATED if any(c.use_case == name for c in options.contestants)]
    with open_lab(use_cases) as lab:
        labelled = {topic for c in options.contestants if c.labels for topic in c.topics}
        for topic in sorted({topic for c in options.contestants for topic in c.topics}):
            size = options.sizes[topic]
            if topic in GENERATED:
                lab.write_generated(f"{topic}.raw", size, topic)
            else:
                lab.write_raw(f"{topic}.raw", size, CUSTOMERS[topic], labels=topic in labelled)
        report.rates = measure_rates(lab, options.contestants, options.sizes, options.repeats)
        try:
            _measure_more(lab, options, report, use_cases)
        except (MillraceError, KafkaException) as error:
            # The rates took long: they are shown also when what comes after them fails.
            report.rates.wrong.append(f"not everything could be measured: {error}")
    return report


def _measure_more(
    lab: Lab, options: BenchOptions, report: Report, use_cases: Sequence[str]
) -> None:
    if options.extras:
        say("measuring the steps of our Python workers")
        report.stage_us = stage_costs(lab.serving_target)
        for name in use_cases:
            report.stage_us_of[name] = generated_stage_costs(lab.serving_target, name)
        report.bare_bytes = bare_worker_bytes(lab)
    if options.latency:
        _measure_latencies(lab, options, report)


def _measure_latencies(lab: Lab, options: BenchOptions, report: Report) -> None:
    medians = report.rates.medians()
    for name, module, exactly_once, target, quick in _LATENCY_RUNS:
        if options.quick and not quick:
            continue
        ours = "score_exactly_once" if exactly_once else "score_at_least_once"
        half = options.half or round(medians.get(ours, 0) / 2) or _HALF_OF_NOTHING
        warm_up_s = options.warm_up_s if module == "score" else _HAND_WARM_UP_S
        schedule = Schedule(min(warm_up_s, options.warm_up_s), options.measured_s, half)
        say(f"latency of {name}, half is {half:,} records/s")
        report.halves[name] = half
        report.latencies[name] = measure_latency(
            lab,
            f"latency-{name}",
            module,
            exactly_once=exactly_once,
            target=target,
            schedule=schedule,
        )


def main(argv: Sequence[str]) -> int:
    """Runs the benchmark; returns the exit status."""
    sigterm_interrupts()
    options = parse(argv)
    try:
        report = measure(options)
    except KeyboardInterrupt:
        say("interrupted; everything is stopped")
        return INTERRUPTED
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except (KafkaException, CalledProcessError) as error:
        print(f"error: the measurement broke off: {error}", file=sys.stderr)
        return _BROKEN_OFF
    show(report, Console(width=110))
    print(json.dumps(report.as_json()), flush=True)
    return 1 if report.rates.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
