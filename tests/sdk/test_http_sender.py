"""Single attempts, and token requests, over real sockets."""

from __future__ import annotations

import http.client
import logging
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled

from helpers.ended_spans import ended_spans
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.errors import TokenRequestError
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.encoding import encode_spans
from tollspan.otlp.http_exchange import Delivered, Later, Outcome, Refused, Unauthorized
from tollspan.otlp.signals import Signal
from tollspan.sdk.http_sender import HTTPSender, TokenFetch
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import read_settings

SECRET = "hunter2-do-not-show"
OAUTH2 = {"client_id": "shop", "client_secret": SECRET}


class Sending:
    """A sender as `init` builds it, and the parts it is made of."""

    def __init__(self, **arguments: Any) -> None:
        self.settings, problems = read_settings(arguments, {})
        assert problems == []
        self.transport = HTTPTransport(self.settings)
        self.fetch = TokenFetch(self.settings, self.transport)
        self.tokens = TokenSource(self.fetch) if self.settings.client_id else None
        self.sender = HTTPSender(Signal.TRACES, self.settings, self.transport, self.tokens)

    def send(self, name: str = "a", timeout_s: float = 10) -> Outcome:
        return self.sender.send(encode_spans(ended_spans([name])).body, "identity", timeout_s)


def test_each_attempt_carries_the_token_of_the_moment(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    sending = Sending(endpoint=peer.url, **OAUTH2)
    assert sending.send("a") == Delivered()
    peer.tokens.clear()
    assert sending.send("b") == Delivered()
    assert peer.stored == {"a": 1, "b": 1}
    sent = [export.headers["authorization"] for export in peer.exports]
    assert sent == ["Bearer access-token-1", "Bearer access-token-1", "Bearer access-token-2"]


def test_a_fresh_token_that_is_refused_too_is_not_tried_again(peer: OTLPPeer) -> None:
    peer.always = Answer(401)
    sending = Sending(endpoint=peer.url, **OAUTH2)
    assert isinstance(sending.send(), Unauthorized)
    assert (len(peer.exports), len(peer.token_requests)) == (2, 2)


def test_without_a_token_nothing_is_sent(peer: OTLPPeer) -> None:
    peer.token_answers.append(Answer(503))
    sending = Sending(endpoint=peer.url, **OAUTH2)
    outcome = sending.send()
    assert isinstance(outcome, Later)
    assert outcome.reason.startswith("no access token: ")
    assert peer.exports == []


def test_an_api_key_is_a_bearer_token_and_is_read_anew_each_time(peer: OTLPPeer, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("first\n")
    sending = Sending(endpoint=peer.url, api_key=file)
    sending.send()
    file.write_text("second\n")
    sending.send()
    file.unlink()
    assert isinstance(sending.send(), Later)
    sent = [export.headers["authorization"] for export in peer.exports]
    assert sent == ["Bearer first", "Bearer second"]


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


def test_token_url_is_found_in_the_metadata_of_the_endpoint(peer: OTLPPeer) -> None:
    peer.metadata = {"issuer": peer.url, "token_endpoint": f"{peer.url}/oauth/token"}
    fetch = Sending(endpoint=peer.url, **OAUTH2).fetch
    fetch()
    fetch()
    assert peer.paths == ["/.well-known/oauth-authorization-server", "/oauth/token", "/oauth/token"]


@pytest.mark.parametrize("issuer", ["https://evil.example", None])
def test_metadata_of_another_issuer_is_not_used(peer: OTLPPeer, issuer: str | None) -> None:
    peer.metadata = {"issuer": issuer, "token_endpoint": f"{peer.url}/steal"}
    Sending(endpoint=peer.url, **OAUTH2).fetch()
    assert peer.paths[-1] == "/token"


def test_a_token_url_that_was_set_needs_no_metadata(peer: OTLPPeer) -> None:
    Sending(
        endpoint=peer.url, token_url=f"{peer.url}/mine", audience="gate", scopes=["a", "b"], **OAUTH2
    ).fetch()
    assert peer.paths == ["/mine"]
    assert peer.token_requests[0][1] == "grant_type=client_credentials&scope=a+b&audience=gate"


def test_metadata_that_cannot_be_had_just_now_are_asked_for_again(peer: OTLPPeer) -> None:
    peer.metadata_answers.append(Answer(503))
    fetch = Sending(endpoint=peer.url, **OAUTH2).fetch
    with pytest.raises(TokenRequestError, match="HTTP 503 for its metadata"):
        fetch()
    fetch()
    assert peer.paths == ["/.well-known/oauth-authorization-server"] * 2 + ["/token"]


def test_a_discovered_token_url_must_be_safe_too(peer: OTLPPeer) -> None:
    peer.metadata = {"issuer": peer.url, "token_endpoint": "http://elsewhere.example/token"}
    with pytest.raises(TokenRequestError, match="unencrypted"):
        Sending(endpoint=peer.url, **OAUTH2).fetch()


def test_a_rotated_secret_file_is_used_by_the_next_token_request(peer: OTLPPeer, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first")
    fetch = Sending(endpoint=peer.url, client_id="shop", client_secret=file).fetch
    fetch()
    file.write_text("second")
    fetch()
    first, second = (headers["authorization"] for headers, _ in peer.token_requests)
    assert first != second
    file.unlink()
    with pytest.raises(TokenRequestError, match="holds no credential"):
        fetch()


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
