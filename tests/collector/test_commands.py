"""`tollspan collector` as a process."""

import json
import signal
import subprocess
import sys

import grpc
import httpx
import pytest

from helpers.signals import REQUESTS
from tollspan.collector.receivers.otlp.grpc_transport import SERVICES
from tollspan.otlp.signals import Signal

CONFIG = """\
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:0
      http:
        endpoint: 127.0.0.1:${env:TEST_PORT:-0}
exporters:
  debug:
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [debug]}
"""

COMMAND = [sys.executable, "-m", "tollspan.cli", "collector"]


@pytest.fixture
def write(tmp_path):
    def write(text, name="collector.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def run(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_a_collector_takes_spans_and_stops_on_sigterm(write):
    process = subprocess.Popen([*COMMAND, "--config", write(CONFIG)], stderr=subprocess.PIPE, text=True)
    try:
        ready = json.loads(process.stderr.readline())
        assert ready["event"] == "service_ready"
        body = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "1" * 32, "spanId": "2" * 16}]}]}]}
        assert httpx.post(ready["http"][0] + "/v1/traces", json=body).status_code == 200
        received = json.loads(process.stderr.readline())
        assert (received["event"], received["items"]) == ("batch_received", 1)
        with grpc.insecure_channel(ready["grpc"][0]) as channel:
            request, items = REQUESTS[Signal.TRACES]
            channel.unary_unary(f"/{SERVICES[Signal.TRACES]}/Export")(request.SerializeToString())
        received = json.loads(process.stderr.readline())
        assert (received["event"], received["items"]) == ("batch_received", items)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.stderr.close()
        process.wait()


def test_a_good_configuration_validates_in_silence(write):
    done = run("validate", "--config", write(CONFIG))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_problem_is_told_with_its_line(write):
    path = write(CONFIG.replace("endpoint: 127.0.0.1:$", "endpont: 127.0.0.1:$").replace("debug:", "debugg:"))
    done = run("validate", "--config", path)
    assert done.returncode == 2
    assert [line.removeprefix("tollspan collector: ") for line in done.stderr.splitlines()] == [
        f"{path}:7: receivers::otlp::protocols::http::endpont: unknown key (did you mean endpoint?)",
        f'{path}:9: exporters::debugg: unknown type: "debugg" for id: "debugg" (valid values: [debug])'
        " (did you mean debug?)",
        f'{path}:12: service::pipelines::traces: references exporter "debug" which is not configured'
        " (did you mean debugg?)",
    ]


def test_without_a_configuration_nothing_runs():
    done = run()
    assert done.returncode == 2
    assert "at least one config flag must be provided" in done.stderr
