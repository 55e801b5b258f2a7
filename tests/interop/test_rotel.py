"""rotel, the Rust collector from PyPI, before and behind ours."""

import importlib.util
from pathlib import Path

import httpx
import pytest

from helpers.collector_process import Collector
from helpers.otlp_peer import running_peer
from helpers.peer_process import free_port, running_process
from helpers.signals import trace_request

CONFIG = """
receivers: {otlp: {protocols: {grpc: , http: }}}
exporters: {otlp_http: {endpoint: "http://unset"}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}}
"""


@pytest.fixture(scope="module")
def rotel(skip_without):
    """The path of the agent's binary."""
    found = importlib.util.find_spec("rotel")
    if found is None:
        skip_without("rotel (PyPI: pip install rotel)")
    return Path(found.origin).parent / "rotel-agent"


def start_rotel(rotel, folder, endpoint, protocol):
    grpc, http = free_port(), free_port()
    options = {
        "--otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
        "--otlp-http-endpoint": f"127.0.0.1:{http}",
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": endpoint,
        "--otlp-exporter-protocol": protocol,
    }
    command = [str(rotel), "start", *(part for option in options.items() for part in option)]
    return running_process(command, folder / "rotel.log", port=http), f"http://127.0.0.1:{http}"


def start_collector(folder, endpoint):
    config = folder / "collector.yaml"
    config.write_text(CONFIG)
    return Collector(folder, config, {"exporters": {"otlp_http": {"endpoint": endpoint}}})


def post(url):
    headers = {"Content-Type": "application/x-protobuf"}
    answer = httpx.post(f"{url}/v1/traces", content=trace_request(5).SerializeToString(), headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_rotel_sends_to_our_collector(rotel, tmp_path, protocol):
    with running_peer() as peer, start_collector(tmp_path, peer.url) as collector:
        endpoint = collector.url if protocol == "http" else f"http://{collector.grpc}"
        running, url = start_rotel(rotel, tmp_path, endpoint, protocol)
        with running:
            post(url)
            peer.wait(lambda: peer.stored.total() == 5)


def test_our_collector_sends_to_rotel(rotel, tmp_path):
    with running_peer() as peer:
        running, url = start_rotel(rotel, tmp_path, peer.url, "http")
        with running, start_collector(tmp_path, url) as collector:
            post(collector.url)
            peer.wait(lambda: peer.stored.total() == 5)
