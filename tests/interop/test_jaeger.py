"""Jaeger's own client for Node, from npm, sends to our receiver."""

import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.collector_process import Collector
from helpers.otlp_peer import running_peer
from helpers.peer_process import free_port

SCRIPT = Path(__file__).with_name("jaeger_client.js")

CONFIG = """
receivers:
  otlp: {protocols: {grpc: , http: }}
  jaeger: {protocols: {thrift_http: }}
exporters: {otlp_http: {endpoint: "http://unset"}}
service: {pipelines: {traces: {receivers: [otlp, jaeger], exporters: [otlp_http]}}}
"""


@pytest.fixture
def client(tmp_path, skip_without):
    """Runs the script with a URL."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        skip_without("Node and npm")
    folder = tmp_path / "client"
    folder.mkdir()
    options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--silent"]
    installed = subprocess.run([npm, "install", *options, "jaeger-client@3.19.0"], check=False)
    if installed.returncode != 0:
        skip_without("jaeger-client (npm)")
    shutil.copy(SCRIPT, folder)

    def run(url):
        subprocess.run([node, folder / SCRIPT.name, url], check=True, timeout=30)

    return run


def test_a_thrift_client_sends_to_our_receiver(client, tmp_path):
    (tmp_path / "collector.yaml").write_text(CONFIG)
    address = f"127.0.0.1:{free_port()}"
    with running_peer() as peer:
        overlay = {
            "receivers": {"jaeger": {"protocols": {"thrift_http": {"endpoint": address}}}},
            "exporters": {"otlp_http": {"endpoint": peer.url}},
        }
        with Collector(tmp_path, tmp_path / "collector.yaml", overlay):
            client(f"http://{address}/api/traces")
            peer.wait(lambda: peer.stored.total() == 2)

    resources = {
        attribute.key: attribute.value.string_value
        for export in peer.exports
        for entry in export.request.resource_spans
        for attribute in entry.resource.attributes
    }
    assert (resources["service.name"], resources["region"]) == ("shop", "eu")
    assert resources["host.name"]
    spans = {span.name: span for export in peer.exports for span in export.spans}
    outer, inner = spans["outer"], spans["inner"]
    assert (outer.kind, outer.parent_span_id) == (2, b"")
    assert (inner.trace_id, inner.parent_span_id) == (outer.trace_id, outer.span_id)
    assert (inner.status.code, inner.events[0].name) == (2, "declined")
    values = {attribute.key: attribute.value for attribute in outer.attributes}
    assert values["warm"].bool_value
    assert (values["tries"].double_value or values["tries"].int_value) == 3
    assert values["ratio"].double_value == 0.5
