"""Our SDK sends all three signals to the OpenTelemetry Collector, and that to a destination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
import yaml

from helpers.otlp_peer import OTLPPeer, running_peer
from helpers.peer_process import free_port, running_process
from helpers.wheels import run_with

PROGRAM = """
import logging, sys
import tollspan
from opentelemetry import metrics, trace
name, destination, endpoint, protocol, compression = sys.argv[1:]
handle = tollspan.init("shop", destination=destination, endpoint=endpoint, protocol=protocol,
                       compression=compression, instrument=False)
trace.get_tracer("app").start_span(name).end()
metrics.get_meter("app").create_counter(name).add(1)
logging.getLogger("app").warning(name)
assert handle.flush(20).ok, handle.status()
"""


class Collector(NamedTuple):
    http: str
    grpc: str
    destination: OTLPPeer


@pytest.fixture(scope="module")
def collector(otelcol: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    folder = tmp_path_factory.mktemp("otelcol")
    http, grpc = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with running_peer() as destination:
        document = {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}},
            "exporters": {"otlp_http": {"endpoint": destination.url}},
            "service": {
                "pipelines": {
                    signal: {"receivers": ["otlp"], "exporters": ["otlp_http"]}
                    for signal in ("traces", "metrics", "logs")
                },
                "telemetry": {"metrics": {"level": "none"}},
            },
        }
        (folder / "otelcol.yaml").write_text(yaml.safe_dump(document))
        command = [otelcol, "--config", str(folder / "otelcol.yaml")]
        with running_process(command, folder / "otelcol.log", port=int(http.rpartition(":")[2])):
            yield Collector(f"http://{http}", f"http://{grpc}", destination)


@pytest.mark.parametrize("destination", ["otlp", "collector"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_what_we_send_comes_out_of_otelcol(
    collector: Collector, destination: str, protocol: str, compression: str
) -> None:
    peer = collector.destination
    name = f"{destination}.{protocol}.{compression}"
    endpoint = collector.grpc if protocol == "grpc" else collector.http
    run_with([], PROGRAM, name, destination, endpoint, protocol, compression)
    # Metrics once more at exit: totals.
    peer.wait(lambda: peer.stored[name] == peer.logged[name] == 1 and name in peer.measured)
