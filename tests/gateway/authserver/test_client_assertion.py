"""private_key_jwt: RFC 7523 §3, with one audience, as the revision of 2025 asks for."""

import json
import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from tollspan.gateway.authserver.client_assertion import (
    CHARS_MAX,
    LEEWAY_S,
    LIFETIME_S_MAX,
    ClientAssertions,
    read_client_id,
)
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.public_key import read_public_key

ISSUER = "http://127.0.0.1:8320"
EC, RSA = ECKey.generate_key("P-256"), RSAKey.generate_key(2048)


@pytest.fixture
def assertions(timed, clock):
    return ClientAssertions(ISSUER, timed.database, timed.credentials, clock)


@pytest.fixture
def client(timed):
    return create(timed, EC).credential


def create(timed, key):
    jwk = read_public_key(json.dumps(key.as_dict(private=False)))
    return timed.credentials.create(CredentialDraft("signs", ("write:traces",), public_key=jwk))


def sign(client, clock, key=EC, algorithm="ES256", header=(), **changes):
    claims = {
        "iss": client.id,
        "sub": client.id,
        "aud": ISSUER,
        "jti": "one",
        "iat": int(clock.now_s),
        "exp": int(clock.now_s) + 60,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": algorithm, **dict(header)}, claims, key, algorithms=[algorithm])


@pytest.mark.parametrize(("key", "algorithm"), [(EC, "ES256"), (RSA, "RS256"), (RSA, "PS256")])
def test_who_signs_with_a_known_key_is_that_client(assertions, timed, clock, key, algorithm):
    client = create(timed, key).credential

    assert assertions.authenticate(sign(client, clock, key, algorithm)) == client


def test_an_assertion_is_good_once_also_in_another_process(assertions, client, clock, timed):
    assertion = sign(client, clock)
    assert assertions.authenticate(assertion)
    assert assertions.authenticate(assertion) is None
    elsewhere = ClientAssertions(ISSUER, timed.database, timed.credentials, clock)
    assert elsewhere.authenticate(assertion) is None

    assert assertions.authenticate(sign(client, clock, jti="two"))


def test_two_clients_may_use_the_same_jti(assertions, timed, clock):
    one, other = create(timed, EC).credential, create(timed, EC).credential

    assert assertions.authenticate(sign(one, clock))
    assert assertions.authenticate(sign(other, clock))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://other"]},
        {"aud": ISSUER + "/token"},
        {"aud": "https://other"},
        {"aud": None},
        {"iss": "other"},
        {"iss": None},
        {"sub": None},
        {"sub": 5},
        {"jti": None},
        {"jti": ""},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1},
        {"exp": 1_800_000_000 + LIFETIME_S_MAX + LEEWAY_S + 1},
        {"nbf": 1_800_000_000 + LEEWAY_S + 10},
        {"iat": 1_800_000_000 + LEEWAY_S + 10},
    ],
    ids=str,
)
def test_an_assertion_that_is_not_for_us_now_is_refused(assertions, client, clock, changes):
    assert assertions.authenticate(sign(client, clock, **changes)) is None


def test_another_key_an_hmac_and_no_signature_are_refused(assertions, client, clock):
    other = sign(client, clock, ECKey.generate_key("P-256"))
    unsigned = sign(client, clock).rpartition(".")[0] + "."

    assert [assertions.authenticate(assertion) for assertion in (other, unsigned)] == [None, None]


def test_a_key_of_another_client_signs_for_that_client_alone(assertions, timed, clock, client):
    other = create(timed, RSA).credential

    assert assertions.authenticate(sign(client, clock, RSA, "RS256")) is None
    assert assertions.authenticate(sign(other, clock, RSA, "RS256"))


def test_a_revoked_client_is_nobody(assertions, timed, client, clock):
    timed.credentials.revoke(client.id)

    assert assertions.authenticate(sign(client, clock)) is None


def test_a_rotated_key_works_beside_the_old_one(assertions, timed, client, clock):
    clock.now_s += 1
    jwk = read_public_key(json.dumps(RSA.as_dict(private=False)))
    timed.credentials.rotate(client.id, public_key=jwk, overlap_s=100)
    assert assertions.authenticate(sign(client, clock))
    assert assertions.authenticate(sign(client, clock, RSA, "RS256", jti="two"))
    clock.now_s += 100

    assert assertions.authenticate(sign(client, clock, jti="three")) is None
    assert assertions.authenticate(sign(client, clock, RSA, "RS256", jti="four"))


def test_the_use_of_a_key_is_noted(assertions, timed, client, clock):
    assertions.authenticate(sign(client, clock))
    timed.credentials.last_use.write()

    assert timed.credentials.find(client.id).last_used_s == clock.now_s


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "." * 100, "e30.e30.e30", "x" * (CHARS_MAX + 1)])
def test_what_is_no_assertion_names_nobody(assertions, text):
    assert read_client_id(text) == ""
    assert assertions.authenticate(text) is None


def test_the_clients_name_is_read_before_anything_is_checked():
    token = jwt.encode({"alg": "ES256"}, {"sub": "me", "exp": time.time()}, EC, algorithms=["ES256"])

    assert read_client_id(token) == "me"
