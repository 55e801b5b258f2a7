"""A client's proof of who it is by a signature instead of a secret (RFC 7523 §2.2, `private_key_jwt`)."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    SigningKey = ECKey | OKPKey | RSAKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

LIFETIME_S = 60

_ALGORITHMS = {"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "Ed25519"}


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key in PEM or as a JWK, of RSA, ECDSA or Ed25519, and how the server tells it from others.

    `audience` is what the assertion is addressed to: the token URL when None, as RFC 7523 §3
    suggests; some servers want their issuer.
    """

    text: Secret
    key_id: str | None = None
    audience: str | None = None


def sign_assertion(client_id: str, token_url: str, private_key: PrivateKey, now_s: float) -> str:
    """A JWT good for one token request within a minute of `now_s`, the wall clock.

    The algorithm follows from the key: RS256, ES256/384/512 or Ed25519 (RFC 9864). Raises
    ConfigError when the key is none, or joserfc is not installed.
    """
    key = _read_key(private_key)
    from joserfc import jwt  # noqa: PLC0415 - an extra, which only this way to authenticate needs

    algorithm = _ALGORITHMS.get(getattr(key, "curve_name", "RSA"))
    if algorithm is None:
        raise ConfigError("private_key", "is of a curve that no algorithm is for", "use P-256")
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": private_key.audience or token_url,
        "jti": secrets.token_urlsafe(16),
        "iat": int(now_s),
        "exp": int(now_s) + LIFETIME_S,
    }
    key_id = {} if private_key.key_id is None else {"kid": private_key.key_id}
    return jwt.encode({"alg": algorithm, "typ": "JWT", **key_id}, claims, key, algorithms=[algorithm])


def _read_key(private_key: PrivateKey) -> SigningKey:
    try:
        from joserfc.errors import JoseError  # noqa: PLC0415 - as above
        from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415
    except ImportError:
        raise ConfigError("private_key", "needs joserfc", "pip install 'tollspan[jwt]'") from None
    text = private_key.text.reveal()
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            key = kind.import_key(json.loads(text) if text.lstrip().startswith("{") else text)
        except (JoseError, ValueError, TypeError, LookupError):
            continue
        if key.is_private:
            return key
    raise ConfigError("private_key", "is no private key", "use PEM or JWK of RSA, ECDSA or Ed25519")
