"""Call credentials on real channels, and the stock gRPC exporter that uses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from helpers.instrumented import run_instrumented
from helpers.otlp_grpc_peer import GRPCPeer, running_grpc_peer
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.sdk import from_environment
from tollspan.sdk.grpc_credential_provider import grpc_credentials

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def tls_peer(certificate: Path) -> Iterator[GRPCPeer]:
    pem = certificate.read_bytes()
    with running_grpc_peer(grpc.ssl_server_credentials([(pem, pem)])) as running:
        yield running


@pytest.fixture
def environ(tls_peer: GRPCPeer, peer: OTLPPeer, certificate: Path) -> dict[str, str]:
    from_environment.token_source.cache_clear()
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": tls_peer.url,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate),
        "TOLLSPAN_TOKEN_URL": f"{peer.url}/token",
        "TOLLSPAN_CLIENT_ID": "shop",
        "TOLLSPAN_CLIENT_SECRET": "s3cr3t",
    }


def call(url: str) -> None:
    with grpc.secure_channel(url.removeprefix("https://"), grpc_credentials()) as channel:
        channel.unary_unary(METHOD)(b"", timeout=10)


def test_every_call_carries_a_token(
    tls_peer: GRPCPeer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    call(tls_peer.url)
    assert tls_peer.metadata[0]["authorization"] == "Bearer access-token-1"


def test_without_a_token_a_call_is_unavailable_which_is_tried_again(
    tls_peer: GRPCPeer, peer: OTLPPeer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    peer.token_answers.append(Answer(503))
    with pytest.raises(grpc.RpcError) as failed:
        call(tls_peer.url)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert tls_peer.metadata == []


def test_the_stock_exporter_under_opentelemetry_instrument_gets_oauth2(
    tls_peer: GRPCPeer, environ: dict[str, str]
) -> None:
    run_instrumented(
        {
            **environ,
            "OTEL_PYTHON_DISTRO": "distro",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER": "tollspan_grpc",
        }
    )
    assert tls_peer.stored == {"work": 1}
    assert tls_peer.metadata[0]["authorization"] == "Bearer access-token-1"
