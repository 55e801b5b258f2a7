import time

import jwt
import pytest
from authlib.oauth2.rfc6749 import OAuth2Error
from jwt import PyJWKSet

from tollspan.gateway.authserver.credential import Credential
from tollspan.gateway.authserver.token_issuer import TokenIssuer
from tollspan.oauth2.verifier import Verifier

ISSUER = "http://127.0.0.1:8320"
ALIAS = "https://gateway-api.unomiq.com"


def credential(**changes):
    values = {
        "id": "client-1",
        "kind": "oauth2",
        "name": "n",
        "tenant": "acme",
        "datasets": (),
        "permissions": ("write:traces", "read:traces"),
        "created_s": 0.0,
        "expires_s": None,
        "revoked_s": None,
        "last_used_s": None,
        "live_secrets": 1,
        "refreshable": False,
        "created_by": "test",
    }
    return Credential(**(values | changes))


@pytest.fixture
def issuer(signing_keys):
    return TokenIssuer(ISSUER, [ALIAS, "https://api.unomiq.com"], signing_keys, 600)


def test_a_token_says_what_rfc_9068_asks_for(issuer):
    before_s = int(time.time())
    claims = issuer.build_claims(credential(), ["write:traces"], [])

    assert claims | {"iat": 0, "exp": 0, "jti": ""} == {
        "iss": ISSUER,
        "sub": "client-1",
        "client_id": "client-1",
        "aud": ISSUER,
        "iat": 0,
        "exp": 0,
        "jti": "",
        "scope": "write:traces",
        "tenant": "acme",
    }
    assert before_s <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] == 600


def test_an_independent_library_takes_our_tokens(issuer, published_keys):
    """PyJWT, which shares no code with the library that signs."""
    claims = issuer.build_claims(credential(), ["write:traces"], [ALIAS])
    token = issuer.build_response(claims)["access_token"]
    keys = PyJWKSet.from_dict(published_keys.jwks())
    header = jwt.get_unverified_header(token)
    rules = {"algorithms": ["RS256"], "issuer": ISSUER, "options": {"require": list(claims)}}

    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": header["kid"]}
    assert jwt.decode(token, keys[header["kid"]], audience=ALIAS, **rules) == claims
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, keys[header["kid"]], audience=ISSUER, **rules)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token[:-8] + "AAAAAAAA", keys[header["kid"]], audience=ALIAS, **rules)


def test_every_token_has_an_id_of_its_own(issuer):
    assert len({issuer.build_claims(credential(), [], [])["jti"] for _ in range(100)}) == 100


def test_datasets_are_named_when_they_are_limited(issuer):
    assert issuer.build_claims(credential(datasets=("shop",)), [], [])["datasets"] == ["shop"]


def test_a_token_of_a_grant_names_it_so_that_both_can_end_together(issuer):
    assert issuer.build_claims(credential(), [], [], "grant")["grant_id"] == "grant"


def test_a_token_does_not_outlive_its_credential(issuer):
    claims = issuer.build_claims(credential(expires_s=time.time() + 100), [], [])

    assert 98 <= claims["exp"] - claims["iat"] <= 100
    assert issuer.build_response(claims)["expires_in"] == claims["exp"] - claims["iat"]


@pytest.mark.parametrize(
    ("asked", "aud"), [([], ISSUER), ([ISSUER], ISSUER), ([ALIAS], ALIAS), ([ALIAS, ISSUER], [ALIAS, ISSUER])]
)
def test_the_audience_is_the_one_asked_for_and_verifies_here(issuer, published_keys, asked, aud):
    claims = issuer.build_claims(credential(), ["write:traces"], asked)
    verifier = Verifier(ISSUER, [ISSUER, ALIAS], published_keys, leeway_s=0)

    assert claims["aud"] == aud
    assert verifier.verify(issuer.build_response(claims)["access_token"]).subject == "client-1"


@pytest.mark.parametrize("asked", [["https://evil.example"], [ALIAS + "/"], [ISSUER, "x"], [""]])
def test_an_unknown_audience_is_no_target_and_the_known_ones_are_named(issuer, asked):
    with pytest.raises(OAuth2Error) as raised:
        issuer.check_audiences(asked)

    assert raised.value.error == "invalid_target"
    assert f"only for {ISSUER}, {ALIAS}" in raised.value.description
