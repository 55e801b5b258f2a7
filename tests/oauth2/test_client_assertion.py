"""What a token endpoint makes of our assertions: it verifies them with the public key alone."""

import json
import sys

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tollspan.errors import ConfigError
from tollspan.oauth2.client_assertion import LIFETIME_S, PrivateKey, sign_assertion
from tollspan.oauth2.secret import Secret

TOKEN_URL = "https://idp.example/token"
NOW_S = 1_800_000_000.7

KEYS = {
    "RS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "ES512": ECKey.generate_key("P-521"),
    "Ed25519": OKPKey.generate_key("Ed25519"),
}


def text_of(key, form: str) -> Secret:
    if form == "PEM":
        return Secret(key.as_pem(private=True).decode())
    return Secret(key_json(key))


def key_json(key) -> str:
    return json.dumps(key.as_dict(private=True))


@pytest.mark.parametrize("form", ["PEM", "JWK"])
@pytest.mark.parametrize("algorithm", KEYS)
def test_the_public_key_verifies_the_assertion(algorithm: str, form: str):
    key = KEYS[algorithm]
    private_key = PrivateKey(text_of(key, form), key_id="key-1")

    assertion = sign_assertion("shop", TOKEN_URL, private_key, NOW_S)
    public = key.__class__.import_key(key.as_dict(private=False))
    token = jwt.decode(assertion, public, algorithms=[algorithm])

    assert token.header == {"alg": algorithm, "typ": "JWT", "kid": "key-1"}
    assert token.claims.pop("jti")
    assert token.claims == {
        "iss": "shop",
        "sub": "shop",
        "aud": TOKEN_URL,
        "iat": 1_800_000_000,
        "exp": 1_800_000_000 + LIFETIME_S,
    }


def test_each_assertion_has_an_id_of_its_own_and_the_audience_that_was_asked_for():
    key = KEYS["ES256"]
    private_key = PrivateKey(text_of(key, "PEM"), audience="https://idp.example")
    claims = [
        jwt.decode(sign_assertion("shop", TOKEN_URL, private_key, NOW_S), key, algorithms=["ES256"]).claims
        for _ in range(2)
    ]

    assert claims[0]["jti"] != claims[1]["jti"]
    assert claims[0]["aud"] == "https://idp.example"


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "{",
        '{"kty": "RSA"}',
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
        KEYS["RS256"].as_pem(private=False).decode(),
        key_json(OctKey.generate_key(256)),
        '["hunter2"]',
    ],
    ids=["text", "half a JWK", "JWK without a key", "PEM without a key", "public", "symmetric", "list"],
)
def test_what_is_no_private_key_is_refused_and_not_shown(text: str):
    with pytest.raises(ConfigError, match="is no private key") as refused:
        sign_assertion("shop", TOKEN_URL, PrivateKey(Secret(text)), NOW_S)

    assert "hunter2" not in str(refused.value)


def test_a_curve_without_a_signature_algorithm_is_refused():
    x25519 = PrivateKey(text_of(OKPKey.generate_key("X25519"), "PEM"))

    with pytest.raises(ConfigError, match="curve"):
        sign_assertion("shop", TOKEN_URL, x25519, NOW_S)


def test_without_joserfc_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "joserfc.jwk", None)

    with pytest.raises(ConfigError, match=r"pip install 'tollspan\[jwt\]'"):
        sign_assertion("shop", TOKEN_URL, PrivateKey(Secret("x")), NOW_S)
