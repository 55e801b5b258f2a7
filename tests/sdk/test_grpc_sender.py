"""Single attempts over real gRPC connections."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from helpers.otlp_grpc_peer import GRPCPeer, Refusal, running_grpc_peer
from helpers.otlp_peer import OTLPPeer
from helpers.sending import OAUTH2, Sending
from tollspan.otlp.http_exchange import Delivered, Later, Outcome, Refused, TooLarge
from tollspan.sdk.delivery import BAD_DATA, KEPT


@pytest.fixture
def grpc_peer() -> Iterator[GRPCPeer]:
    with running_grpc_peer() as peer:
        yield peer


def send(url: str, **arguments: Any) -> Outcome:
    return Sending(endpoint=url, protocol="grpc", **arguments).send()


def test_encoded_bytes_arrive_with_headers_and_user_agent(grpc_peer: GRPCPeer) -> None:
    assert send(grpc_peer.url, dataset="shop", api_key="ts_key") == Delivered()
    assert grpc_peer.stored == {"a": 1}
    metadata = grpc_peer.metadata[0]
    assert (metadata["x-tollspan-dataset"], metadata["authorization"]) == ("shop", "Bearer ts_key")
    assert metadata["user-agent"].startswith("Tollspan-SDK/")


def test_a_body_that_is_not_to_be_compressed_is_not(grpc_peer: GRPCPeer) -> None:
    assert send(grpc_peer.url, compression="none") == Delivered()
    assert grpc_peer.stored == {"a": 1}


def test_a_refused_token_is_replaced_and_the_request_sent_once_more(
    grpc_peer: GRPCPeer, peer: OTLPPeer
) -> None:
    grpc_peer.accepts = lambda metadata: metadata["authorization"] == "Bearer access-token-2"
    assert send(grpc_peer.url, token_url=f"{peer.url}/token", **OAUTH2) == Delivered()
    assert grpc_peer.stored == {"a": 1}
    assert [call["authorization"] for call in grpc_peer.metadata] == [
        "Bearer access-token-1",
        "Bearer access-token-2",
    ]


def test_what_was_rejected_is_counted(grpc_peer: GRPCPeer) -> None:
    partial = ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    grpc_peer.answers.append(ExportTraceServiceResponse(partial_success=partial))
    assert send(grpc_peer.url) == Delivered(1, "too old")


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refusal(grpc.StatusCode.UNAVAILABLE), Later),
        (Refusal(grpc.StatusCode.DEADLINE_EXCEEDED), Later),
        (Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_s=0.5), Later),
        (Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED), Refused),
        (Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "message larger than max (5 vs. 4)"), TooLarge),
        (Refusal(grpc.StatusCode.INTERNAL), Refused),
        (Refusal(grpc.StatusCode.UNIMPLEMENTED), Refused),
    ],
    ids=["unavailable", "deadline", "throttled", "exhausted", "too large", "internal", "unimplemented"],
)
def test_a_status_is_judged_as_otlp_says(grpc_peer: GRPCPeer, refusal: Refusal, kind: type) -> None:
    grpc_peer.answers.append(refusal)
    outcome = send(grpc_peer.url)
    assert isinstance(outcome, kind)
    assert outcome.reason == f"gRPC {refusal.code.value[0]}: {refusal.message}"
    if refusal.retry_s is not None:
        assert outcome == Later(refusal.retry_s, outcome.reason)


def test_missing_permission_and_bad_data_are_what_they_are_over_http(grpc_peer: GRPCPeer) -> None:
    grpc_peer.answers.append(Refusal(grpc.StatusCode.PERMISSION_DENIED))
    grpc_peer.answers.append(Refusal(grpc.StatusCode.INVALID_ARGUMENT))
    denied, invalid = send(grpc_peer.url), send(grpc_peer.url)
    assert isinstance(denied, Refused)
    assert isinstance(invalid, Refused)
    assert denied.status in KEPT
    assert invalid.status in BAD_DATA


def test_a_destination_that_comes_back_is_reached_again() -> None:
    with running_grpc_peer() as peer:
        url = peer.url
    sending = Sending(endpoint=url, protocol="grpc")
    assert isinstance(sending.send(), Later)
    assert isinstance(sending.send(timeout_s=0.05), Later)


def test_tls_trusts_the_certificate_that_was_named(certificate: Path) -> None:
    pem = certificate.read_bytes()
    credentials = grpc.ssl_server_credentials([(pem, pem)])
    with running_grpc_peer(credentials) as peer:
        assert send(peer.url, certificate_file=str(certificate)) == Delivered()
        assert isinstance(send(peer.url), Later)


def test_a_certificate_that_has_gone_keeps_the_data(certificate: Path, tmp_path: Path) -> None:
    file = shutil.copy(certificate, tmp_path / "ca.pem")
    sending = Sending(endpoint="https://localhost:1", protocol="grpc", certificate_file=str(file))
    file.unlink()
    assert isinstance(sending.send(), Later)


FORK = """
import os, sys
sys.path.insert(0, sys.argv[2])
from helpers.sending import Sending
sending = Sending(endpoint=sys.argv[1], protocol="grpc")
print(type(sending.send("parent")).__name__, flush=True)
if (child := os.fork()) == 0:
    sending.sender.close()
    print(type(sending.send("child")).__name__, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(type(sending.send("parent")).__name__, flush=True)
"""


def test_a_forked_child_has_a_channel_of_its_own(grpc_peer: GRPCPeer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK, grpc_peer.url, str(Path(__file__).parents[1])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["Delivered"] * 3, done.stderr
    assert grpc_peer.stored == {"parent": 2, "child": 1}
