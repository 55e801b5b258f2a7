"""`opentelemetry-instrument` with the stock distribution installed beside ours."""

from __future__ import annotations

from helpers.instrumented import run_instrumented
from helpers.otlp_peer import OTLPPeer

OURS = {"OTEL_PYTHON_DISTRO": "tollspan", "TOLLSPAN_CLIENT_ID": "shop", "TOLLSPAN_CLIENT_SECRET": "s3cr3t"}


def test_our_distribution_initialises_the_sdk_with_three_signals_over_oauth2(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    run_instrumented({**OURS, "TOLLSPAN_ENDPOINT": peer.url, "TOLLSPAN_UNIT": "acme"})
    assert peer.stored == {"work": 1}
    assert peer.logged["hello"] == 1
    assert "orders" in peer.measured
    (attribute,) = [a for a in peer.exports[0].spans[0].attributes if a.key == "tollspan.unit"]
    assert attribute.value.string_value == "acme"


def test_without_a_name_the_other_distribution_decides(peer: OTLPPeer) -> None:
    stock = {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    run_instrumented(stock)
    assert peer.stored == {"work": 1}
    assert peer.exports[0].headers["user-agent"].startswith("OTel-OTLP-Exporter-Python/")


def test_a_misconfiguration_leaves_the_application_alone() -> None:
    shown = run_instrumented(OURS)
    assert "endpoint: is not set, so no telemetry is sent (set TOLLSPAN_ENDPOINT)" in shown
    assert "s3cr3t" not in shown
