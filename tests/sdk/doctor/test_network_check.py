from __future__ import annotations

import socket
import ssl
from pathlib import Path
from time import time

import pytest

from helpers.otlp_peer import OTLPPeer, running_peer
from tollspan.sdk.doctor.finding import Finding, Verdict
from tollspan.sdk.doctor.network_check import check_clock, check_network
from tollspan.sdk.settings import Settings


def check(url: str, **settings: str) -> list[Finding]:
    return list(check_network(url, Settings(**settings)))


def test_an_open_port_is_fine(peer: OTLPPeer):
    (finding,) = check(peer.url)

    assert (finding.verdict, finding.fact) == (
        Verdict.OK,
        f"port {peer.port} of 127.0.0.1 (127.0.0.1) is open",
    )


def test_a_port_where_nobody_listens_is_a_problem():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        (finding,) = check(f"http://127.0.0.1:{unused.getsockname()[1]}")

    assert finding.verdict is Verdict.PROBLEM
    assert "Connection refused" in finding.fact


def test_a_host_without_an_address_is_a_problem():
    (finding,) = check("https://no-such-host.invalid")

    assert (finding.verdict, finding.cure) == (Verdict.PROBLEM, "check the host name, and DNS here")


def test_a_certificate_is_checked_with_the_trust_that_is_set(certificate: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running_peer(tls=context) as peer:
        trusted = check(peer.url, certificate_file=str(certificate))[-1]
        untrusted = check(peer.url)[-1]

    assert trusted.verdict in (Verdict.OK, Verdict.WARNING)
    assert "certificate" in trusted.fact
    assert (untrusted.verdict, untrusted.cure) == (
        Verdict.PROBLEM,
        "set TOLLSPAN_CERTIFICATE_FILE to its CA",
    )


def test_http_where_https_was_meant_is_a_problem(peer: OTLPPeer):
    finding = check(peer.url.replace("http:", "https:"))[-1]

    assert finding.verdict is Verdict.PROBLEM
    assert "speaks no TLS with us" in finding.fact


def test_the_way_leads_by_the_proxy(monkeypatch: pytest.MonkeyPatch, peer: OTLPPeer):
    monkeypatch.setenv("https_proxy", peer.url)

    facts = [finding.fact for finding in check("https://gateway.example.com")]

    assert facts[0].startswith("is reached by the proxy 127.0.0.1")
    assert facts[1].startswith(f"port {peer.port}")


@pytest.mark.parametrize(
    ("ahead_s", "verdict"), [(0, Verdict.OK), (20, Verdict.WARNING), (-300, Verdict.PROBLEM)]
)
def test_a_clock_that_differs_is_found(peer: OTLPPeer, ahead_s: int, verdict: Verdict):
    (finding,) = check_clock(peer.url, Settings(), lambda: time() + ahead_s)

    assert finding.verdict is verdict


def test_a_server_that_says_no_time_or_nothing_is_no_finding():
    assert list(check_clock("http://127.0.0.1:9", Settings())) == []
