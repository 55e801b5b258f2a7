"""Prometheus from Debian: takes what we write, and is what we scrape."""

import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from helpers.collector_process import Collector
from helpers.peer_process import free_port, running_process
from helpers.signals import metric_request

CONFIG = """
receivers:
  otlp: {protocols: {grpc: , http: }}
  prometheus:
    config: {scrape_configs: [{job_name: prometheus, static_configs: [{targets: ["unset:1"]}]}]}
exporters: {prometheus_remote_write: {endpoint: "http://unset"}}
service:
  pipelines: {metrics: {receivers: [otlp, prometheus], exporters: [prometheus_remote_write]}}
"""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory, skip_without):
    """A running Prometheus that takes remote write; its URL."""
    binary = shutil.which("prometheus")
    if binary is None:
        skip_without("Prometheus (Debian: apt-get install prometheus)")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    port = free_port()
    command = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--enable-feature=native-histograms",
    ]
    url = f"http://127.0.0.1:{port}"
    with running_process(command, folder / "prometheus.log", port=port, url=f"{url}/-/ready"):
        yield url


def test_prometheus_takes_the_alerts(skip_without):
    promtool = shutil.which("promtool")
    if promtool is None:
        skip_without("promtool (Debian: apt-get install prometheus)")
    rules = Path(__file__).parents[2] / "deploy" / "prometheus" / "gateway.rules.yml"
    done = subprocess.run([promtool, "check", "rules", rules], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def query(prometheus, expression):
    """The labels and values that Prometheus has, once it has any."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": expression}).json()
        if answer["data"]["result"]:
            return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]
        time.sleep(0.1)  # Prometheus tells nobody what it has taken
    raise AssertionError(f"Prometheus has nothing for {expression}")


def test_prometheus_has_what_we_were_sent_and_what_we_scraped_from_it(prometheus, tmp_path):
    address = prometheus.removeprefix("http://")
    scrape = {
        "job_name": "prometheus",
        "scrape_interval": "300ms",
        "scrape_timeout": "300ms",
        "static_configs": [{"targets": [address], "labels": {"zone": "z"}}],
    }
    overlay = {
        "receivers": {"prometheus": {"config": {"scrape_configs": [scrape]}}},
        "exporters": {"prometheus_remote_write": {"endpoint": f"{prometheus}/api/v1/write"}},
    }
    request = metric_request()
    resource = request.resource_metrics[0].resource
    for key, text in {"service.name": "shop", "host.name": "h"}.items():
        resource.attributes.add(key=key).value.string_value = text
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    now_ns = time.time_ns()
    for metric in metrics:
        for number, point in enumerate(metric.gauge.data_points):
            point.time_unix_nano = now_ns - (3 - number) * 1_000_000_000
    histogram = metrics.add(name="latency", unit="s").histogram
    histogram.aggregation_temporality = 2
    histogram.data_points.add(
        time_unix_nano=now_ns, count=3, sum=1.5, bucket_counts=[1, 2], explicit_bounds=[0.5]
    )
    exponential = metrics.add(name="size", unit="By").exponential_histogram
    exponential.aggregation_temporality = 2
    point = exponential.data_points.add(time_unix_nano=now_ns, count=3, sum=14, scale=0)
    point.positive.offset = 1
    point.positive.bucket_counts.extend([1, 2])  # one value in (2, 4], two in (4, 8]
    (tmp_path / "collector.yaml").write_text(CONFIG)

    with Collector(tmp_path, tmp_path / "collector.yaml", overlay) as collector:
        headers = {"Content-Type": "application/x-protobuf"}
        sent = httpx.post(f"{collector.url}/v1/metrics", content=request.SerializeToString(), headers=headers)
        assert sent.status_code == 200

        assert query(prometheus, "requests_ratio")[0][1] == 2.0
        assert query(prometheus, 'latency_seconds_bucket{le="0.5"}')[0][1] == 1.0
        assert query(prometheus, "histogram_quantile(0.5, latency_seconds_bucket)")
        assert query(prometheus, "histogram_count(size_bytes)")[0][1] == 3.0
        assert 4 < query(prometheus, "histogram_quantile(0.9, size_bytes)")[0][1] <= 8
        assert 2 < query(prometheus, "histogram_quantile(0.1, size_bytes)")[0][1] <= 4
        ((info, _),) = query(prometheus, 'target_info{job="shop"}')
        assert info["host_name"] == "h"
        ((up, value),) = query(prometheus, 'up{job="prometheus"}')
        assert (up["instance"], up["zone"], value) == (address, "z", 1.0)
        assert query(prometheus, "prometheus_http_request_duration_seconds_bucket")
