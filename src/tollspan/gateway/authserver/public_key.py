"""The public keys of clients that sign assertions instead of sending a secret (RFC 7523)."""

from __future__ import annotations

import json
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from tollspan.errors import ConfigError
from tollspan.oauth2.keyset import KeySet

_FIELD = "public_key"


def read_public_key(text: str) -> dict[str, Any]:
    """The JWK of a public RSA or EC key, given as PEM or JWK; its `kid` is the thumbprint unless it has one.

    Raises ConfigError, which never quotes the text: it may be a private key.
    """
    if "PRIVATE KEY" in text:
        raise ConfigError(_FIELD, "holds a private key", "keep that secret and give its public half")
    try:
        key = _import_pem(text) if "BEGIN" in text else _import_jwk(json.loads(text))
    except (JoseError, ValueError, TypeError, LookupError, AttributeError):
        raise ConfigError(_FIELD, "is no public key", "give an RSA or EC key as PEM or JWK") from None
    if key.is_private:
        raise ConfigError(_FIELD, "holds a private key", "keep that secret and give its public half")
    key.ensure_kid()
    jwk = dict(key.as_dict(private=False))
    if not len(KeySet.from_jwks({"keys": [jwk]})):
        raise ConfigError(
            _FIELD, "is too short or not for signatures", "give RSA of 2048 bits or more, or EC"
        )
    return jwk


def _import_pem(text: str) -> RSAKey | ECKey:
    try:
        return RSAKey.import_key(text)
    except (JoseError, ValueError, TypeError):
        return ECKey.import_key(text)


def _import_jwk(jwk: dict[str, Any]) -> RSAKey | ECKey:
    return RSAKey.import_key(jwk) if jwk["kty"] == "RSA" else ECKey.import_key(jwk)
