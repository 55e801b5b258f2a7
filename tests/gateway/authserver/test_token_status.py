"""Introspection (RFC 7662) and revocation (RFC 7009), as a client asks for them."""

import json
from urllib.parse import urlencode

import pytest
import structlog

from tollspan.errors import StoreError
from tollspan.gateway.authserver import revoked_tokens
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.token_endpoint import INTROSPECTION, REVOCATION, TOKEN
from tollspan.oauth2.verifier import Verifier

ISSUER = "http://127.0.0.1:8320"
FORM = {"content-type": "application/x-www-form-urlencoded"}
DRAFT = CredentialDraft("n", ("write:traces",), tenant="acme", datasets=("shop",), refreshable=True)


@pytest.fixture
def call(identity, build_endpoint):
    """Asks as a client; the answer's status and body."""
    endpoint = build_endpoint(identity, ISSUER)

    def call(issued, asked, **form):
        proof = {"client_id": issued.credential.id, "client_secret": issued.secret.reveal()}
        response = endpoint.handle("POST", FORM, urlencode(proof | form).encode(), asked=asked)
        return response.status, json.loads(response.body)

    return call


@pytest.fixture
def owner(store):
    return store.create(DRAFT)


@pytest.fixture
def tokens(call, owner):
    return call(owner, TOKEN, grant_type="client_credentials")[1]


@pytest.fixture
def verifier(published_keys):
    return Verifier(ISSUER, ISSUER, published_keys, leeway_s=0)


def fail(*_):
    raise StoreError("away")


def describe(call, issued, token):
    return call(issued, INTROSPECTION, token=token)[1]


def test_a_live_access_token_is_described_to_its_tenant(call, tokens, owner, store):
    colleague = store.create(CredentialDraft("c", ("read:traces",), tenant="acme"))
    status, said = call(colleague, INTROSPECTION, token=tokens["access_token"])

    assert status == 200
    assert (said["active"], said["client_id"], said["scope"]) == (True, owner.credential.id, "write:traces")
    assert (said["tenant"], said["datasets"], said["iss"]) == ("acme", ["shop"], ISSUER)
    assert {"sub", "aud", "exp", "iat", "jti", "token_type"} <= set(said)


def test_a_refresh_token_is_described_to_its_client_alone(call, tokens, owner, store):
    colleague = store.create(DRAFT)

    assert describe(call, owner, tokens["refresh_token"])["active"]
    assert describe(call, colleague, tokens["refresh_token"]) == {"active": False}


def test_of_any_other_token_nothing_is_said(call, tokens, owner, store):
    stranger = store.create(CredentialDraft("s", ("read:traces",), tenant="rival"))
    cut = tokens["access_token"][:-4]

    assert describe(call, stranger, tokens["access_token"]) == {"active": False}
    for token in (cut, "x", "ts_refresh_x", owner.secret.reveal()):
        assert describe(call, owner, token) == {"active": False}


def test_a_token_of_a_revoked_credential_is_inactive(call, tokens, owner, store):
    colleague = store.create(CredentialDraft("c", ("read:traces",), tenant="acme"))
    store.revoke(owner.credential.id)

    assert describe(call, colleague, tokens["access_token"]) == {"active": False}


def test_a_revoked_access_token_is_inactive_and_its_refresh_token_is_not(call, tokens, owner):
    assert call(owner, REVOCATION, token=tokens["access_token"]) == (200, {})

    assert describe(call, owner, tokens["access_token"]) == {"active": False}
    assert describe(call, owner, tokens["refresh_token"])["active"]


def test_a_revoked_refresh_token_takes_its_access_tokens_along(call, tokens, owner):
    assert call(owner, REVOCATION, token=tokens["refresh_token"], token_type_hint="access_token")[0] == 200

    assert describe(call, owner, tokens["access_token"]) == {"active": False}
    assert describe(call, owner, tokens["refresh_token"]) == {"active": False}


def test_anothers_token_cannot_be_revoked_and_the_answer_does_not_say_so(call, tokens, owner, store):
    other = store.create(DRAFT)
    answers = [
        call(other, REVOCATION, token=token)
        for token in (tokens["access_token"], tokens["refresh_token"], "unknown")
    ]

    assert answers == [(200, {})] * 3
    assert describe(call, owner, tokens["access_token"])["active"]
    assert describe(call, owner, tokens["refresh_token"])["active"]


def test_what_was_revoked_is_in_the_log_and_what_was_not_is_not(call, tokens, owner, store, verifier):
    ids = verifier.read(tokens["access_token"])
    with structlog.testing.capture_logs() as lines:
        call(store.create(DRAFT), REVOCATION, token=tokens["access_token"])
        call(owner, REVOCATION, token="unknown")
        call(owner, REVOCATION, token=tokens["access_token"])
        call(owner, REVOCATION, token=tokens["refresh_token"])

    said = {"event": "token_revoked", "log_level": "info", "client_id": owner.credential.id, "tenant": "acme"}
    assert lines == [said | {"token_id": ids["jti"]}, said | {"token_id": ids["grant_id"]}]


@pytest.mark.parametrize("asked", [INTROSPECTION, REVOCATION])
def test_while_the_database_is_away_a_client_is_told_to_ask_again(call, tokens, owner, asked, monkeypatch):
    monkeypatch.setattr("tollspan.gateway.authserver.revoked_tokens.revoke", fail)
    monkeypatch.setattr("tollspan.gateway.authserver.revoked_tokens.is_any_revoked", fail)

    assert call(owner, asked, token=tokens["access_token"])[0] == 503


@pytest.mark.parametrize("asked", [INTROSPECTION, REVOCATION])
def test_a_request_that_cannot_be_read_or_is_from_nobody_is_refused(call, owner, tokens, asked, store):
    assert call(owner, asked)[1]["error"] == "invalid_request"
    hinted = call(owner, asked, token="x", token_type_hint="saml")
    assert hinted[1]["error"] == "unsupported_token_type"
    nobody = store.create(DRAFT)
    store.revoke(nobody.credential.id)

    assert call(nobody, asked, token=tokens["access_token"]) == (
        401,
        {"error": "invalid_client", "error_description": "Client authentication failed."},
    )


def test_a_revocation_is_a_change_that_everyone_hears_of(call, tokens, owner, identity):
    before = identity.database.change_number()
    call(owner, REVOCATION, token=tokens["access_token"])
    assert identity.database.change_number() > before
    before = identity.database.change_number()
    call(owner, REVOCATION, token=tokens["refresh_token"])

    assert identity.database.change_number() > before
    assert not revoked_tokens.is_any_revoked(identity.database, {"other"})
