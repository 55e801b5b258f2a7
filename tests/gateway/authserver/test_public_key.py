import json

import pytest
from joserfc.jwk import ECKey, RSAKey

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.public_key import read_public_key

RSA, EC = RSAKey.generate_key(2048), ECKey.generate_key("P-256")


@pytest.mark.parametrize("key", [RSA, EC], ids=["RSA", "EC"])
def test_pem_and_jwk_give_the_same_key_with_its_thumbprint_as_id(key):
    from_pem = read_public_key(key.as_pem(private=False).decode())
    from_jwk = read_public_key(json.dumps(key.as_dict(private=False)))

    assert from_pem == from_jwk
    assert from_pem["kid"] == key.thumbprint()
    assert "d" not in from_pem


def test_an_id_of_its_own_is_kept():
    assert read_public_key(json.dumps(EC.as_dict(private=False) | {"kid": "mine"}))["kid"] == "mine"


@pytest.mark.parametrize("key", [RSA, EC], ids=["RSA", "EC"])
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_private_key_is_refused_and_not_quoted(key, form):
    text = key.as_pem(private=True).decode() if form == "pem" else json.dumps(key.as_dict(private=True))

    with pytest.raises(ConfigError, match="private key") as raised:
        read_public_key(text)
    assert text[40:60] not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"kty": "RSA"}',
        '{"kty": ["RSA"]}',
        "-----BEGIN PUBLIC KEY-----",
        '{"kty": "oct", "k": "c2VjcmV0"}',
    ],
)
def test_anything_else_is_no_public_key(text):
    with pytest.raises(ConfigError, match="public_key"):
        read_public_key(text)


def test_a_key_for_encryption_is_none_for_signatures():
    with pytest.raises(ConfigError, match="not for signatures"):
        read_public_key(json.dumps(EC.as_dict(private=False) | {"use": "enc"}))
