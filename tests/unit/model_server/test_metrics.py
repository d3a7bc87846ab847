"""Metrics: the page's text, and its bounds."""

from pathlib import Path

import pytest
from grpc import StatusCode

from millrace.model_server.metrics import Metrics
from millrace.model_server.monitoring import metrics_path
from udfs.errors import ConfigurationError


def test_page_counts_requests_and_sorts_latencies_into_buckets() -> None:
    metrics = Metrics()
    metrics.requested("m", StatusCode.OK)
    metrics.answered("m", "Predict", "GRPC", 10.0)
    lines = metrics.page().splitlines()
    labels = 'model_name="m",API="Predict",entrypoint="GRPC"'
    latency = ":tensorflow:serving:request_latency"
    assert ':tensorflow:serving:request_count{model_name="m",status="OK"} 1' in lines
    # An upper limit is not part of its bucket.
    assert f'{latency}_bucket{{{labels},le="10"}} 0' in lines
    assert f'{latency}_bucket{{{labels},le="18"}} 1' in lines
    assert f"{latency}_sum{{{labels}}} 10" in lines
    assert f"{latency}_count{{{labels}}} 1" in lines


def test_names_of_models_are_escaped() -> None:
    metrics = Metrics()
    metrics.requested('a"\\\nb', StatusCode.OK)
    assert 'model_name="a\\"\\\\\\nb"' in metrics.page()


def test_invented_models_do_not_grow_the_page_for_ever() -> None:
    metrics = Metrics()
    for number in range(10_000):
        metrics.requested(str(number), StatusCode.NOT_FOUND)
    lines = [line for line in metrics.page().splitlines() if "request_count{" in line]
    assert len(lines) == 4097
    assert sum(int(line.split()[-1]) for line in lines) == 10_000


def test_counters_are_known_by_their_registered_names() -> None:
    metrics = Metrics()
    metrics.requested("m", StatusCode.OK)
    assert metrics.value("/tensorflow/serving/request_count") == 1
    assert metrics.value("/tensorflow/serving/none") == 0


FILES = {
    "off": ("", None),
    "on": ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
    "elsewhere": ('prometheus_config { enable: true path: "/m" }', "/m"),
}


@pytest.mark.parametrize("case", FILES.values(), ids=FILES.keys())
def test_file_says_where_the_page_is(case: tuple[str, str | None], tmp_path: Path) -> None:
    text, path = case
    file = tmp_path / "monitoring.config"
    file.write_text(text)
    assert metrics_path(file) == path


@pytest.mark.parametrize("text", ["x", 'prometheus_config { enable: true path: "m" }'])
def test_unusable_files_are_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "monitoring.config"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=str(file)):
        metrics_path(file)
