"""`diagnose`, which sees what `tollspan doctor` cannot; tests/sdk/doctor/test_commands.py has that."""

from __future__ import annotations

import logging

import pytest
from opentelemetry import metrics, trace

import tollspan
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.sdk.doctor.finding import Finding, Verdict

pytestmark = pytest.mark.usefixtures("fresh_process")


def by_topic(findings: list[Finding], verdict: Verdict) -> dict[str, str]:
    return {finding.topic: finding.fact for finding in findings if finding.verdict is verdict}


def test_it_sees_the_arguments_of_init_and_shows_no_secret(peer: OTLPPeer) -> None:
    secrets = {"client_id": "shop", "client_secret": "hunter2-do-not-show"}
    findings = tollspan.init("shop", endpoint=peer.url, token_url=f"{peer.url}/token", **secrets).diagnose()
    fine = by_topic(findings, Verdict.OK)
    assert "client_secret from init(client_secret=...)" in fine["settings"]
    assert fine["service.name"] == "shop"
    assert fine["traces"] == "the span 'tollspan doctor' was taken"
    assert "hunter2" not in "".join(map(str, findings))


def test_it_says_of_a_working_program_what_keeps_its_telemetry_away(peer: OTLPPeer) -> None:
    handle = tollspan.init("shop", endpoint=peer.url)
    trace.get_tracer("tests").start_span("a").end()
    logging.getLogger("tests").warning("a")
    metrics.get_meter("tests").create_counter("orders").add(1)
    peer.always = Answer(403)
    findings = handle.diagnose()
    assert {"recorded traces", "recorded logs", "recorded metrics"} <= by_topic(findings, Verdict.OK).keys()
    assert set(by_topic(findings, Verdict.PROBLEM)) == {"traces", "metrics", "logs"}


def test_it_needs_no_endpoint() -> None:
    assert by_topic(tollspan.init("shop").diagnose(), Verdict.PROBLEM) == {
        "endpoint": "is not set, so no telemetry is sent"
    }
