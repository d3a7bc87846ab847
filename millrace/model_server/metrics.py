"""What the server counts, and the page on which Prometheus reads it.

Names, labels and buckets are TensorFlow Serving's: `servables/tensorflow/util.cc`,
`util/prometheus_exporter.cc` and `batching/batching_session.cc` of tensorflow/serving at 9d981c5.
Those that begin with `:millrace:` have no counterpart there.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from grpc import StatusCode

from millrace.model_server.observer import Observer

_SERVING: Final = "/tensorflow/serving"
_RUNTIME: Final = "TF1"
_MOST: Final = 4096
_OTHERS: Final = "_others"


def exponential(scale: float, growth: float, count: int) -> tuple[float, ...]:
    """Upper limits of a histogram's buckets, without the one that has none.

    >>> exponential(10, 1.8, 3)
    (10, 18.0, 32.4)
    """
    limits = [scale]
    while len(limits) < count:
        limits.append(limits[-1] * growth)
    return tuple(limits)


class Counter:
    """A number that grows, for each combination of labels.

    Args:
        name: with slashes, as TensorFlow registers it.
        labels: names of the labels.
    """

    kind = "counter"

    def __init__(self, name: str, *labels: str) -> None:
        self.name = name
        self._labels = labels
        self._values: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def add(self, *labels: str, by: int = 1) -> None:
        """Adds to the number with these values of the labels."""
        with self._lock:
            labels = _known(labels, self._values)
            self._values[labels] = self._values.get(labels, 0) + by

    def first(self) -> int:
        """The number of the first combination of labels; 0 when there is none."""
        return next(iter(self._values.values()), 0)

    def lines(self, name: str) -> Iterator[str]:
        """Lines of the page under a name."""
        for labels, value in list(self._values.items()):
            yield f"{name}{{{_pairs(self._labels, labels)}}} {value}"


class Histogram:
    """How often a number fell into each bucket, for each combination of labels.

    Args:
        name: with slashes, as TensorFlow registers it.
        limits: upper limits of the buckets, which do not hold them.
        labels: names of the labels.
    """

    kind = "histogram"

    def __init__(self, name: str, limits: Sequence[float], *labels: str) -> None:
        self.name = name
        self._labels = labels
        self._limits = limits
        self._shown = [*(f"{limit:g}" for limit in limits), "+Inf"]
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def add(self, value: float, *labels: str) -> None:
        """Counts a number under these values of the labels."""
        with self._lock:
            labels = _known(labels, self._counts)
            counts = self._counts.get(labels)
            if counts is None:
                self._sums[labels] = 0.0
                counts = self._counts[labels] = [0] * len(self._shown)
            counts[bisect_right(self._limits, value)] += 1
            self._sums[labels] += value

    def lines(self, name: str) -> Iterator[str]:
        """Lines of the page under a name."""
        for labels, counts in list(self._counts.items()):
            pairs = _pairs(self._labels, labels)
            total = 0
            for limit, count in zip(self._shown, counts, strict=True):
                total += count
                yield f'{name}_bucket{{{pairs}{"," if pairs else ""}le="{limit}"}} {total}'
            yield f"{name}_sum{{{pairs}}} {self._sums[labels]:.15g}"
            yield f"{name}_count{{{pairs}}} {total}"


class Metrics(Observer):
    """Counts what the server does."""

    def __init__(self) -> None:
        latency = exponential(10, 1.8, 33)
        model, api = "model_name", "API"
        self._requests = Counter(f"{_SERVING}/request_count", model, "status")
        self._latency = Histogram(f"{_SERVING}/request_latency", latency, model, api, "entrypoint")
        self._runtime = Histogram(f"{_SERVING}/runtime_latency", latency, model, api, "runtime")
        self._examples = Counter(f"{_SERVING}/request_example_count_total", "model")
        example_counts = exponential(1, 2, 15)
        self._example_counts = Histogram(
            f"{_SERVING}/request_example_counts", example_counts, "model"
        )
        self._warmed = Counter("/millrace/model_server/warmup_records_read", model)
        self._loads = Counter("/millrace/model_server/load_count", model, "status")
        self._load_time = Histogram("/millrace/model_server/load_latency", latency, model)
        sizes = exponential(1, 2, 15)
        self._batches = Histogram("/millrace/model_server/batch_rows", sizes, model)
        self._batch_runs = Counter(f"{_SERVING}/batching_session/wrapped_run_count")
        self._padding = Counter("/millrace/model_server/batch_padding_rows", model)
        self._all = [one for one in vars(self).values() if isinstance(one, Counter | Histogram)]
        self._all.sort(key=lambda metric: metric.name)

    def requested(self, model_name: str, code: StatusCode) -> None:
        """A request for a prediction ended with a status."""
        self._requests.add(model_name, code.name)

    def answered(self, model_name: str, api: str, entrypoint: str, microseconds: float) -> None:
        """A request was answered."""
        self._latency.add(microseconds, model_name, api, entrypoint)

    def ran(self, model_name: str, api: str, microseconds: float) -> None:
        """The runtime ran a model for a request."""
        if api != "MultiInference":
            # TensorFlow Serving does not time those.
            self._runtime.add(microseconds, model_name, api, _RUNTIME)

    def examples(self, model_name: str, count: int) -> None:
        """A request carried so many tf.Examples."""
        self._example_counts.add(count, model_name)
        self._examples.add(model_name, by=count)

    def loaded(self, model_name: str, version: int, microseconds: float) -> None:
        """A version was loaded."""
        self._loads.add(model_name, "OK")
        self._load_time.add(microseconds, model_name)

    def load_failed(self, model_name: str, version: int) -> None:
        """A version could not be loaded."""
        self._loads.add(model_name, "FAILED")

    def warmed_up(self, model_name: str, version: int, records: int, microseconds: float) -> None:
        """A version ran the warm-up requests beside it."""
        self._warmed.add(model_name, by=records)

    def batched(self, model_name: str, rows: int, padding: int) -> None:
        """A batch ran."""
        self._batch_runs.add()
        self._batches.add(rows, model_name)
        self._padding.add(model_name, by=padding)

    def value(self, name: str) -> int:
        """The first value of a counter, as a reload of the configuration may ask for it.

        Args:
            name: with slashes, such as `/tensorflow/serving/request_count`.
        """
        found = [one for one in self._all if one.name == name and isinstance(one, Counter)]
        return found[0].first() if found else 0

    def page(self) -> str:
        """All metrics in Prometheus' text form."""
        lines: list[str] = []
        for metric in self._all:
            name = metric.name.replace("/", ":")
            lines.append(f"# TYPE {name} {metric.kind}")
            lines.extend(metric.lines(name))
        return "\n".join(lines) + "\n"


def _known(labels: tuple[str, ...], known: Mapping[tuple[str, ...], object]) -> tuple[str, ...]:
    # Requests name models as they like; the server's memory must not grow with that.
    return labels if labels in known or len(known) < _MOST else (_OTHERS,) * len(labels)


def _pairs(names: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(
        f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)
    )


def _escaped(value: str) -> str:
    # A line break would end the line and let a request write lines of its own.
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
