"""Single attempts over real sockets."""

from __future__ import annotations

import http.client
import logging
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled

from helpers.otlp_peer import Answer, OTLPPeer
from helpers.sending import OAUTH2, SECRET, Sending
from tollspan.otlp.http_exchange import Delivered, Refused


def test_a_request_says_who_sends_it_and_carries_the_headers_that_were_set(peer: OTLPPeer) -> None:
    Sending(endpoint=peer.url, headers={"X-Dataset": "shop"}).send()
    headers = peer.exports[0].headers
    assert headers["user-agent"].startswith("Tollspan-SDK/")
    assert " OTel-OTLP-Exporter-Python/" in headers["user-agent"]
    assert headers["x-dataset"] == "shop"
    assert "authorization" not in headers


def test_a_redirect_is_neither_followed_nor_success(peer: OTLPPeer) -> None:
    peer.answers.append(Answer(307, headers={"Location": "/stolen"}))
    outcome = Sending(endpoint=peer.url, api_key=SECRET).send()
    assert isinstance(outcome, Refused)
    assert outcome.status == 307
    assert peer.paths == ["/v1/traces"]


def test_own_requests_are_invisible_to_instrumentation(
    peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    putrequest = http.client.HTTPConnection.putrequest

    def watched(*args: Any, **kwargs: Any) -> None:
        seen.append(is_http_instrumentation_enabled())
        putrequest(*args, **kwargs)

    monkeypatch.setattr(http.client.HTTPConnection, "putrequest", watched)
    assert Sending(endpoint=peer.url, **OAUTH2).send() == Delivered()
    assert seen == [False, False, False]
    assert is_http_instrumentation_enabled()
    assert otel_context.get_value("suppress_instrumentation") is None


def test_no_log_and_no_debug_output_shows_a_secret(
    peer: OTLPPeer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    caplog.set_level(logging.DEBUG)
    peer.answers.append(Answer(401))
    sending = Sending(endpoint=peer.url, headers={"x-key": "key-do-not-show"}, **OAUTH2)
    assert sending.send() == Delivered()
    shown = caplog.text + "".join(capfd.readouterr()) + repr(vars(sending)) + repr(vars(sending.sender))
    for secret in (SECRET, "access-token", "key-do-not-show", "c2hvcDpodW50ZXIy"):
        assert secret not in shown
