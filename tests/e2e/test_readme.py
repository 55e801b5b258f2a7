"""Every example of the README does what the text around it says."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from helpers.ended_spans import ended_spans

README = (Path(__file__).parents[2] / "README.md").read_text()
TOLLSPAN = (sys.executable, "-m", "tollspan.cli")


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def line_with(text: str) -> str:
    """The one command line of the README's shell blocks that has this text in it."""
    (line,) = [line for block in blocks("sh") for line in block.splitlines() if text in line]
    return line


@pytest.fixture
def credential(gateway):
    command = line_with("credentials create").split()
    done = subprocess.run(
        [*TOLLSPAN, *command[1:], "--data-dir", str(gateway.data_dir), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_the_ready_line_has_the_shape_that_is_shown(gateway):
    (shown,) = blocks("json")

    assert json.loads(shown).keys() == {"http", "grpc", "ui", "create_owner"}
    assert gateway.url.startswith("http://127.0.0.1:")
    assert gateway.grpc.startswith("http://127.0.0.1:")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ui/#key=\S+", gateway.ui)


def test_the_token_command_prints_an_access_token(gateway, credential):
    command = line_with("grant_type=client_credentials").replace("http://127.0.0.1:8320", gateway.url)
    environment = {"CLIENT_ID": credential["client_id"], "CLIENT_SECRET": credential["client_secret"]}
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=True, env=os.environ | environment
    )

    assert json.loads(done.stdout)["token_type"] == "Bearer"


def test_the_sdk_example_is_a_program_whose_span_arrives_with_its_unit(gateway, credential):
    environment = {
        "TOLLSPAN_ENDPOINT": gateway.url,
        "TOLLSPAN_CLIENT_ID": credential["client_id"],
        "TOLLSPAN_CLIENT_SECRET": credential["client_secret"],
    }
    done = subprocess.run(
        [sys.executable, "-c", "".join(blocks("python"))],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    traces = httpx.get(
        f"{gateway.url}/api/v1/traces",
        params={"service": "shop"},
        headers=gateway.authorization(credential),
    ).json()["data"]

    assert "sent=1" in done.stdout
    assert [(trace["root_name"], trace["unit"]) for trace in traces] == [("place order", "acme")]


def test_the_collector_configuration_forwards_with_an_access_token(gateway, credential, tmp_path):
    (config,) = blocks("yaml")
    config = config.replace("127.0.0.1:4318", "127.0.0.1:0").replace("http://127.0.0.1:8320", gateway.url)
    (tmp_path / "collector.yaml").write_text(config)
    environment = {"CLIENT_ID": credential["client_id"], "CLIENT_SECRET": credential["client_secret"]}
    collector = subprocess.Popen(
        [*TOLLSPAN, "collector", "--config", str(tmp_path / "collector.yaml")],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        ready = json.loads(collector.stderr.readline())
        exporter = OTLPSpanExporter(endpoint=f"{ready['http'][0]}/v1/traces")
        assert exporter.export(ended_spans(["by the sidecar"])) is SpanExportResult.SUCCESS
    finally:
        collector.send_signal(signal.SIGTERM)
        _, log = collector.communicate(timeout=30)
    traces = httpx.get(
        f"{gateway.url}/api/v1/traces",
        params={"name": "by the sidecar"},
        headers=gateway.authorization(credential),
    ).json()["data"]

    assert collector.returncode == 0, log
    assert len(traces) == 1
