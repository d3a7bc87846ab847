"""What Prometheus would read of a Flink process."""

import http.client
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from millrace.stack.ports import HOST

REPORTER = "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"
_LINE = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Sample:
    """One line of the text format.

    Attributes:
        name: of the metric, the scope in front of it.
        labels: by name.
        value: the newest one.
    """

    name: str
    labels: Mapping[str, str]
    value: float


def scraped(port: int) -> Iterator[Sample]:
    """All samples with labels of the reporter at a port of this machine."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    for name, labels, value in _LINE.findall(text):
        yield Sample(name, dict(_LABEL.findall(labels)), float(value))
