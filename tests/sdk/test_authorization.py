"""What attempts are authorised with, as a destination sees it."""

from __future__ import annotations

from pathlib import Path

from helpers.otlp_peer import Answer, OTLPPeer
from helpers.sending import OAUTH2, Sending
from tollspan.otlp.http_exchange import Delivered, Later, Unauthorized


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


def test_an_api_key_goes_into_the_header_that_was_named(peer: OTLPPeer) -> None:
    Sending(endpoint=peer.url, api_key="ts_key", api_key_header="X-API-Key").send()
    headers = peer.exports[0].headers
    assert headers["x-api-key"] == "ts_key"
    assert "authorization" not in headers


def test_an_access_token_wins_over_an_authorization_header_that_was_set(peer: OTLPPeer) -> None:
    Sending(endpoint=peer.url, headers={"Authorization": "Basic old"}, **OAUTH2).send()
    assert peer.exports[0].headers["authorization"] == "Bearer access-token-1"
