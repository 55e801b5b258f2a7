from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tollspan.errors import ConfigError
from tollspan.oauth2.jwt_bearer import GRANT_TYPE, JWTBearer, build_assertion_request
from tollspan.oauth2.secret import Secret

URL = "https://id.example.com/token"


@pytest.fixture(scope="module")
def key():
    return RSAKey.generate_key(2048)


def read(request, key, algorithm="RS256"):
    form = {name: text for name, (text,) in parse_qs(request.body.decode()).items()}
    return form, jwt.decode(form["assertion"], key, algorithms=[algorithm])


def test_the_assertion_says_who_asks_whom_and_until_when(key):
    secret = Secret(key.as_pem(private=True).decode())
    request = build_assertion_request(JWTBearer("shipper", secret, URL, scopes=("write:traces", "x")))
    form, assertion = read(request, key)

    assert request.url == URL
    assert (form["grant_type"], form["scope"]) == (GRANT_TYPE, "write:traces x")
    claims = assertion.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("shipper", "shipper", URL)
    assert claims["exp"] - claims["iat"] == 1800
    assert claims["jti"]
    assert "kid" not in assertion.header


def test_every_part_can_be_set(key):
    secret = Secret(key.as_pem(private=True).decode())
    grant = JWTBearer(
        "shipper",
        secret,
        URL,
        key_id="k1",
        algorithm="RS512",
        issuer="me",
        audience="you",
        claims=(("role", "writer"),),
        parameters=(("resource", "r"),),
    )
    form, assertion = read(build_assertion_request(grant), key, "RS512")

    assert form["resource"] == "r"
    assert (assertion.header["kid"], assertion.header["alg"]) == ("k1", "RS512")
    claims = assertion.claims
    assert (claims["iss"], claims["aud"], claims["role"]) == ("me", "you", "writer")


def test_two_assertions_are_never_the_same(key):
    grant = JWTBearer("shipper", Secret(key.as_pem(private=True).decode()), URL)
    assert build_assertion_request(grant).body != build_assertion_request(grant).body


def test_a_key_that_cannot_sign_is_named_but_not_shown():
    with pytest.raises(ConfigError) as caught:
        build_assertion_request(JWTBearer("shipper", Secret("hush"), URL))
    assert "hush" not in str(caught.value)
