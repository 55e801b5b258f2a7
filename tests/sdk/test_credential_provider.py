"""The session by itself, and stock exporters that use it in an application that knows nothing of us."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from helpers.instrumented import run_instrumented
from helpers.otlp_peer import Answer, OTLPPeer
from helpers.sending import OAUTH2, Sending
from tollspan.sdk.authorization import Authorization
from tollspan.sdk.credential_provider import AuthorisedSession


def session(peer: OTLPPeer) -> AuthorisedSession:
    sending = Sending(endpoint=peer.url, **OAUTH2)
    return AuthorisedSession(Authorization(sending.settings, sending.tokens))


def post(authorised: AuthorisedSession, peer: OTLPPeer) -> requests.Response:
    return authorised.post(f"{peer.url}/v1/traces", data=b"", timeout=10)


def test_every_request_carries_the_token_of_the_moment(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    authorised = session(peer)
    assert post(authorised, peer).status_code == 200
    peer.tokens.clear()
    assert post(authorised, peer).status_code == 200
    sent = [export.headers["authorization"] for export in peer.exports]
    assert sent == ["Bearer access-token-1", "Bearer access-token-1", "Bearer access-token-2"]


def test_a_second_refusal_is_the_answer(peer: OTLPPeer) -> None:
    peer.always = Answer(401)
    assert post(session(peer), peer).status_code == 401
    assert len(peer.exports) == 2


def test_without_a_token_it_is_an_error_of_the_connection_and_nothing_is_sent(peer: OTLPPeer) -> None:
    peer.token_answers.append(Answer(503))
    with pytest.raises(requests.ConnectionError, match="no access token"):
        post(session(peer), peer)
    assert peer.exports == []


def test_a_redirect_is_not_followed(peer: OTLPPeer) -> None:
    peer.answers.append(Answer(307, headers={"Location": f"{peer.url}/stolen"}))
    assert post(session(peer), peer).status_code == 307
    assert "/stolen" not in peer.paths


def test_netrc_does_not_replace_the_token(
    peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login x password y\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    post(session(peer), peer)
    assert peer.exports[0].headers["authorization"] == "Bearer access-token-1"


def test_stock_exporters_under_opentelemetry_instrument_get_oauth2(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    run_instrumented(
        {
            "OTEL_PYTHON_DISTRO": "distro",
            "OTEL_EXPORTER_OTLP_ENDPOINT": peer.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "tollspan",
            "TOLLSPAN_CLIENT_ID": "shop",
            "TOLLSPAN_CLIENT_SECRET": "s3cr3t",
        }
    )
    assert peer.stored == {"work": 1}
    assert peer.logged["hello"] == 1
    assert "orders" in peer.measured
    assert len(peer.token_requests) == 1, "three exporters share one token"


def test_credentials_that_would_travel_unencrypted_are_not_sent(peer: OTLPPeer) -> None:
    shown = run_instrumented(
        {
            "OTEL_PYTHON_DISTRO": "distro",
            "OTEL_EXPORTER_OTLP_ENDPOINT": peer.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "tollspan",
            "TOLLSPAN_ENDPOINT": "http://gate.example",
            "TOLLSPAN_API_KEY": "ts_do-not-show",
        }
    )
    assert "TOLLSPAN_ENDPOINT: would send credentials unencrypted" in shown
    assert "do-not-show" not in shown
    assert all("authorization" not in export.headers for export in peer.exports)
