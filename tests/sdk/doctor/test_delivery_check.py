from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.otlp_peer import Answer, OTLPPeer, partial
from tollspan.sdk.doctor.delivery_check import TEST_SPAN, check_delivery, read_claims
from tollspan.sdk.doctor.finding import Finding, Verdict
from tollspan.sdk.doctor.settings_check import read_all

CLIENT = {"TOLLSPAN_CLIENT_ID": "shop", "TOLLSPAN_CLIENT_SECRET": "hunter22"}


def check(peer: OTLPPeer, **environ: str) -> list[Finding]:
    return list(check_delivery(read_all({}, {"TOLLSPAN_ENDPOINT": peer.url, **environ})))


def jwt(**claims: object) -> str:
    return f"eyJ.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


def token_answer(access_token: str) -> Answer:
    document = {"access_token": access_token, "token_type": "Bearer", "expires_in": 60}
    return Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


def test_all_is_well_and_one_span_was_sent(peer: OTLPPeer):
    peer.token_lifetime_s = 60

    findings = check(peer, **CLIENT)

    assert [finding.verdict for finding in findings] == [Verdict.OK] * 4
    assert [finding.topic for finding in findings] == ["access token", "traces", "metrics", "logs"]
    assert peer.stored[TEST_SPAN] == 1


def test_what_the_token_says_is_shown(peer: OTLPPeer):
    peer.token_answers.append(token_answer(jwt(iss="https://idp", aud="gateway", scope="write:traces")))

    findings = check(peer, **CLIENT, TOLLSPAN_AUDIENCE="gateway")

    assert "lasts 60 s, iss https://idp, aud gateway, scope write:traces" in findings[0].fact
    assert findings[1].fact == "it does not say write:metrics, write:logs"


def test_a_token_for_somebody_else_is_a_problem(peer: OTLPPeer):
    peer.token_answers.append(token_answer(jwt(aud=["others"])))

    findings = check(peer, **CLIENT, TOLLSPAN_AUDIENCE="gateway")

    assert findings[1].verdict is Verdict.PROBLEM
    assert findings[1].fact == "it is for ['others'], not for gateway"


def test_a_refused_client_is_told_and_nothing_is_sent(peer: OTLPPeer):
    body = b'{"error": "invalid_client"}'
    peer.token_answers.append(Answer(401, body, {"Content-Type": "application/json"}))

    (finding,) = check(peer, **CLIENT)

    assert finding.cure == "check client id and secret; the client may have been revoked"
    assert peer.exports == []


@pytest.mark.parametrize(
    ("answer", "cure"),
    [
        (Answer(401), "check client id and secret or the key"),
        (Answer(403), "give the credential the permission write:traces"),
        (Answer(404), "or leave traces out of TOLLSPAN_SIGNALS"),
        (Answer(302, headers={"Location": "/login"}), "is that an OTLP receiver?"),
        (Answer(200, b"<html>", {"Content-Type": "text/html"}), "is that an OTLP receiver?"),
        (Answer(503), "telemetry waits and is sent"),
        (partial(1), "ask the destination"),
    ],
)
def test_an_answer_other_than_success_has_a_cure(peer: OTLPPeer, answer: Answer, cure: str):
    peer.always = answer

    finding = check(peer)[0]

    assert (finding.topic, finding.verdict) == ("traces", Verdict.PROBLEM)
    assert cure in finding.cure


def test_no_finding_shows_the_secret_or_the_token(peer: OTLPPeer, tmp_path: Path):
    (tmp_path / "secret").write_text("hunter22")
    token = jwt(sub="x")
    peer.token_answers.append(token_answer(token))
    peer.always = Answer(400, f"bad: {token} hunter22".encode(), {"Content-Type": "text/plain"})

    said = "".join(map(str, check(peer, **CLIENT)))

    assert "eyJ" not in said.replace("access token", "")
    assert "hunter22" not in said


@given(st.text())
def test_any_text_is_read_as_a_token(text: str):
    assert isinstance(read_claims(text), dict)
    assert read_claims(jwt(note=text)) == {"note": text}
