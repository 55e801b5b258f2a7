"""Refreshing over the token endpoint: who may, for what, and that a fresh token says it."""

import json
from urllib.parse import urlencode

import pytest

from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.oauth2.verifier import Verifier

ISSUER = "http://127.0.0.1:8320"
ALIAS = "https://gateway-api.unomiq.com"
FORM = {"content-type": "application/x-www-form-urlencoded"}
DRAFT = CredentialDraft("n", ("write:traces", "read:traces"), tenant="acme", refreshable=True)


@pytest.fixture
def endpoint(identity, build_endpoint):
    return build_endpoint(identity, ISSUER, [ALIAS])


@pytest.fixture
def issued(store):
    return store.create(DRAFT)


@pytest.fixture
def verifier(published_keys):
    return Verifier(ISSUER, [ISSUER, ALIAS], published_keys, leeway_s=0)


def ask(endpoint, issued, grant_type="client_credentials", **form):
    proof = {"client_id": issued.credential.id, "client_secret": issued.secret.reveal()}
    body = urlencode({"grant_type": grant_type} | proof | form).encode()
    response = endpoint.handle("POST", FORM, body)
    return response.status, json.loads(response.body)


def refresh(endpoint, issued, refresh_token, **form):
    return ask(endpoint, issued, "refresh_token", refresh_token=refresh_token, **form)


def test_only_a_credential_that_opted_in_gets_a_refresh_token(endpoint, store, issued):
    plain = store.create(CredentialDraft("plain", ("write:traces",)))

    assert "refresh_token" in ask(endpoint, issued)[1]
    assert "refresh_token" not in ask(endpoint, plain)[1]
    token = ask(endpoint, issued)[1]["refresh_token"]
    assert refresh(endpoint, plain, token) == (
        400,
        {"error": "unauthorized_client", "error_description": "The client may not refresh."},
    )


def test_a_refreshed_token_stands_for_the_same_as_the_first(endpoint, issued, verifier):
    _, first = ask(endpoint, issued, scope="read:traces", audience=ALIAS)
    status, second = refresh(endpoint, issued, first["refresh_token"])

    assert (status, second["scope"]) == (200, "read:traces")
    claims = [verifier.read(answer["access_token"]) for answer in (first, second)]
    assert claims[0]["jti"] != claims[1]["jti"]
    for name in ("sub", "aud", "scope", "tenant", "grant_id"):
        assert claims[0][name] == claims[1][name]


def test_a_refresh_may_ask_for_less_and_never_for_more(endpoint, issued):
    token = ask(endpoint, issued, scope="write:traces")[1]["refresh_token"]

    assert refresh(endpoint, issued, token, scope="read:traces")[1]["error"] == "invalid_scope"
    assert refresh(endpoint, issued, token, audience="https://evil.example")[1]["error"] == "invalid_target"
    assert refresh(endpoint, issued, token, audience=ALIAS)[1]["error"] == "invalid_target"
    status, answer = refresh(endpoint, issued, token, scope="write:traces", audience=ISSUER)
    assert (status, answer["scope"]) == (200, "write:traces")


@pytest.mark.parametrize("wish", [{"scope": "read:traces"}, {"scope": '"'}, {"audience": ALIAS}], ids=str)
def test_a_refused_wish_does_not_use_the_token_up(endpoint, issued, identity, wish):
    """The client never had the successor, so what it asks later must not look like a theft."""
    token = ask(endpoint, issued, scope="write:traces")[1]["refresh_token"]
    assert refresh(endpoint, issued, token, **wish)[0] == 400

    with identity.database.reading() as connection:
        used = connection.exec_driver_sql("SELECT count(used_s) FROM refresh_tokens").scalar_one()
    assert used == 0
    assert refresh(endpoint, issued, token)[0] == 200


def test_a_grant_for_one_audience_is_for_no_other(endpoint, issued):
    token = ask(endpoint, issued, audience=ALIAS)[1]["refresh_token"]

    assert refresh(endpoint, issued, token, audience=ISSUER)[1]["error"] == "invalid_target"


def test_a_client_that_does_not_prove_itself_may_not_refresh(endpoint, issued):
    token = ask(endpoint, issued)[1]["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": issued.credential.id, "refresh_token": token}
    response = endpoint.handle("POST", FORM, urlencode(form).encode())

    assert (response.status, json.loads(response.body)["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(("token", "code"), [("", "invalid_request"), ("x", "invalid_grant")])
def test_without_a_good_refresh_token_there_is_none(endpoint, issued, token, code):
    assert refresh(endpoint, issued, token)[1]["error"] == code


def test_a_revoked_client_refreshes_no_more(endpoint, issued, store):
    token = ask(endpoint, issued)[1]["refresh_token"]
    store.revoke(issued.credential.id)

    assert refresh(endpoint, issued, token)[0] == 401


def test_for_an_unknown_audience_no_grant_is_begun(endpoint, issued, identity):
    assert ask(endpoint, issued, audience="https://evil.example")[1]["error"] == "invalid_target"
    with identity.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM refresh_families").scalar_one() == 0
