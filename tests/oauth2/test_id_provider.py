import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tollspan.errors import InvalidTokenError, TokenRequestError
from tollspan.oauth2.id_provider import IDProvider
from tollspan.oauth2.keyset import KeySet

KEYS = {
    "rsa": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "ec": ECKey.generate_key("P-256", {"kid": "ec"}),
}


def provider(issuer="https://id", audience="us", outage=""):
    keys = {"keys": [key.as_dict(private=False) for key in KEYS.values()]}
    return IDProvider(issuer, audience, KeySet.from_jwks(keys), lambda: outage)


def token(key="rsa", algorithm="RS256", header=None, **claims):
    now_s = int(time.time())
    common = {"iss": "https://id", "aud": ["us", "them"], "sub": "me", "exp": now_s + 60}
    kept = {name: value for name, value in (common | claims).items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": key, **(header or {})}, kept, KEYS[key], [algorithm])


@pytest.mark.parametrize(("key", "algorithm"), [("rsa", "RS256"), ("rsa", "PS384"), ("ec", "ES256")])
def test_a_good_token_shows_its_claims(key, algorithm):
    assert provider().read_claims(token(key, algorithm))["sub"] == "me"


def test_what_is_not_configured_is_not_looked_at():
    assert provider(issuer="", audience="").read_claims(token(iss="https://x", aud=None))["sub"] == "me"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil"},
        {"iss": None},
        {"aud": "them"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"nbf": 1 << 40},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_now_is_refused(claims):
    with pytest.raises(InvalidTokenError):
        provider().read_claims(token(**claims))


def test_a_token_that_is_not_signed_by_the_issuer_is_refused():
    symmetric = OctKey.import_key("x" * 64)
    confused = jwt.encode({"alg": "HS256", "kid": "rsa"}, {"sub": "me"}, symmetric, ["HS256"])
    good = token()
    for bad in (confused, good[:-8] + "AAAAAAAA", good.rpartition(".")[0] + ".", "x", "", "a" * 20_000):
        with pytest.raises(InvalidTokenError):
            provider().read_claims(bad)


def test_an_unknown_key_is_the_callers_fault_only_while_the_issuer_can_be_asked():
    unknown = token(header={"kid": "other"})
    with pytest.raises(InvalidTokenError, match="unknown key"):
        provider().read_claims(unknown)
    with pytest.raises(TokenRequestError, match="ConnectTimeout"):
        provider(outage="ConnectTimeout").read_claims(unknown)
