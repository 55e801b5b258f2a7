"""`tollspan doctor` as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from helpers.otlp_peer import Answer, OTLPPeer


def doctor(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("TOLLSPAN_", "OTEL_"))}
    return subprocess.run(
        [sys.executable, "-m", "tollspan.cli", "doctor", *options],
        env=clean | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_where_telemetry_arrives_the_exit_code_is_0(peer: OTLPPeer):
    done = doctor(TOLLSPAN_ENDPOINT=peer.url, OTEL_SERVICE_NAME="shop")

    assert (done.returncode, done.stderr) == (0, "")
    assert "ok        service.name: shop" in done.stdout
    assert "ok        traces: the span 'tollspan doctor' was taken" in done.stdout


def test_where_it_does_not_the_exit_code_is_1_and_the_cure_is_said(peer: OTLPPeer):
    peer.always = Answer(404)

    done = doctor("--json", TOLLSPAN_ENDPOINT=peer.url)

    report = json.loads(done.stdout)
    assert (done.returncode, report["healthy"]) == (1, False)
    problems = [finding for finding in report["findings"] if finding["verdict"] == "problem"]
    assert {finding["topic"] for finding in problems} == {"traces", "metrics", "logs"}
    assert problems[0]["cure"].startswith("check the endpoint, a path is added to it")


def test_without_an_endpoint_it_asks_nobody():
    done = doctor()

    assert done.returncode == 1
    assert "problem   endpoint: is not set" in done.stdout
    assert "port" not in done.stdout


@pytest.mark.parametrize("option", ["--jsn", "now"])
def test_wrong_usage_is_exit_code_2(option: str):
    assert doctor(option).returncode == 2
