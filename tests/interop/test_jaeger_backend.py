"""Our collector sends to Jaeger, which shows what it got.

Jaeger is what the variable JAEGER names, or `jaeger-all-in-one` in the PATH; else it is built of
its Go module, once, which takes some minutes.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import yaml

from helpers.collector_process import Collector
from helpers.peer_process import free_port, running_process
from helpers.requests import OTLP, TraceRequest

pytestmark = pytest.mark.timeout(1800)

MODULE = "github.com/jaegertracing/jaeger@v1.76.0"
BUILT = Path.home() / ".cache" / "tollspan-interop" / "jaeger-all-in-one-1.76.0"


@pytest.fixture(scope="module")
def binary(skip_without):
    found = os.environ.get("JAEGER") or shutil.which("jaeger-all-in-one")
    if found or BUILT.exists():
        return found or str(BUILT)
    if shutil.which("go") is None:
        skip_without("Jaeger, or Go to build it with")
    BUILT.parent.mkdir(parents=True, exist_ok=True)
    module = subprocess.run(["go", "mod", "download", "-json", MODULE], stdout=subprocess.PIPE, check=False)
    if module.returncode != 0:
        skip_without("Jaeger (its module, from Go's proxy)")
    command = ["go", "build", "-buildvcs=false", "-o", str(BUILT), "./cmd/all-in-one"]
    if subprocess.run(command, cwd=json.loads(module.stdout)["Dir"], check=False).returncode != 0:
        skip_without("Jaeger (what it is built of, from Go's proxy)")
    return str(BUILT)


@pytest.fixture(scope="module")
def jaeger(binary, tmp_path_factory):
    """The URL of its API and its two addresses for OTLP."""
    names = ["query.http-server", "query.grpc-server", "collector.otlp.http", "collector.otlp.grpc"]
    names += ["collector.http-server", "collector.grpc-server", "admin.http"]
    addresses = {name: f"127.0.0.1:{free_port()}" for name in names}
    command = [binary, *(f"--{name}.host-port={address}" for name, address in addresses.items())]
    query = addresses["query.http-server"]
    log = tmp_path_factory.mktemp("jaeger") / "jaeger.log"
    with running_process(
        command, log, port=int(query.rpartition(":")[2]), url=f"http://{query}/api/services"
    ):
        yield f"http://{query}/api", addresses["collector.otlp.http"], addresses["collector.otlp.grpc"]


def spans_at(api, trace_id, count):
    """The spans that Jaeger has of the trace, once there are so many; it tells nobody when they come."""
    deadline_s = time.monotonic() + 20
    while True:
        answer = httpx.get(f"{api}/traces/{trace_id.hex()}")
        spans = answer.json()["data"][0]["spans"] if answer.status_code == 200 else []
        if len(spans) >= count or time.monotonic() > deadline_s:
            return spans
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["otlp_http", "otlp_grpc"])
def test_jaeger_shows_the_trace_that_our_collector_sent(jaeger, tmp_path, kind):
    api, http, grpc = jaeger
    exporters = {
        "otlp_http": {"endpoint": f"http://{http}"},
        "otlp_grpc": {"endpoint": grpc, "tls": {"insecure": True}},
    }
    config = tmp_path / "collector.yaml"
    pipelines = {"traces": {"receivers": ["otlp"], "exporters": [kind]}}
    document = {
        "receivers": {"otlp": None},
        "exporters": {kind: exporters[kind]},
        "service": {"pipelines": pipelines},
    }
    config.write_text(yaml.safe_dump(document))
    request = TraceRequest(5)
    with Collector(tmp_path, config) as collector:
        answer = httpx.post(f"{collector.url}/v1/traces", content=request.wire, headers=OTLP)
        assert answer.status_code == 200
        spans = spans_at(api, request.trace_id, 5)
    assert sorted(span["spanID"] for span in spans) == sorted(id_.hex() for id_ in request.span_ids)
    assert {span["operationName"] for span in spans} >= {"GET /orders", "step 4"}
