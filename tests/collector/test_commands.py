"""`tollspan collector` as a process."""

import json
import signal
import subprocess
import sys

import grpc
import httpx
import jsonschema
import pytest
import yaml

from helpers.signals import REQUESTS
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Kind
from tollspan.collector.registry import build_registry
from tollspan.otlp.grpc_exchange import SERVICES
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
  telemetry: {metrics: {level: none}}
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
    exporters = " ".join(sorted(build_registry(FACTORIES)[Kind.EXPORTER]))
    assert done.returncode == 2
    assert [line.removeprefix("tollspan collector: ") for line in done.stderr.splitlines()] == [
        f"{path}:7: receivers::otlp::protocols::http::endpont: unknown key (did you mean endpoint?)",
        f'{path}:9: exporters::debugg: unknown type: "debugg" for id: "debugg" (valid values: [{exporters}])'
        " (did you mean debug?)",
        f'{path}:13: service::pipelines::traces: references exporter "debug" which is not configured'
        " (did you mean debugg?)",
    ]


def test_without_a_configuration_nothing_runs():
    done = run()
    assert done.returncode == 2
    assert "at least one config flag must be provided" in done.stderr


SECRET = CONFIG.replace(
    "service:",
    """\
  otlp_http:
    endpoint: ${env:TEST_URL:-http://localhost:1}
    headers: {x-api-key: s3cret}
service:""",
)


def test_the_configuration_is_shown_merged_and_without_secrets(write):
    done = run("print-config", "--config", write(SECRET), "--set", "exporters.debug.verbosity=normal")
    shown = yaml.safe_load(done.stdout)
    assert "s3cret" not in done.stdout
    assert shown["exporters"]["otlp_http"] == {
        "endpoint": "http://localhost:1",
        "headers": {"x-api-key": "[REDACTED]"},
    }
    assert shown["exporters"]["debug"] == {"verbosity": "normal"}


def test_the_configuration_is_shown_with_secrets_on_demand(write):
    arguments = ("--mode", "unredacted", "--format", "json")
    shown = json.loads(run("print-config", "--config", write(SECRET), *arguments).stdout)
    assert shown["exporters"]["otlp_http"]["headers"] == {"x-api-key": "s3cret"}


def test_a_wrong_configuration_is_shown_only_when_it_need_not_be_right(write):
    path = write(SECRET.replace("headers", "heders"))
    assert run("print-config", "--config", path).returncode == 2
    done = run("print-config", "--config", path, "--no-validate")
    assert done.returncode == 0
    assert "s3cret" not in done.stdout


def test_the_components_are_listed_under_their_new_names():
    listed = yaml.safe_load(run("components").stdout)
    exporters = {entry["name"]: entry for entry in listed["exporters"]}
    assert exporters["otlp_http"] == {
        "name": "otlp_http",
        "old_names": ["otlphttp"],
        "signals": ["logs", "metrics", "traces"],
    }
    assert "otlphttp" not in exporters


def test_the_schema_takes_what_the_collector_takes_and_nothing_else():
    schema = json.loads(run("schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    document = yaml.safe_load(SECRET)
    assert list(validator.iter_errors(document)) == []
    document["exporters"]["debug"] = {"verbositty": "normal"}
    assert [list(error.absolute_path) for error in validator.iter_errors(document)] == [
        ["exporters", "debug"]
    ]


def test_a_setting_without_an_equal_sign_is_refused(write):
    done = run("validate", "--config", write(CONFIG), "--set", "exporters.debug.verbosity")
    assert done.returncode == 2
    assert "missing equal sign" in done.stderr
