"""The JWT bearer grant, client side: an assertion that we sign instead of a secret (RFC 7523 §2.1)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from tollspan.errors import ConfigError
from tollspan.oauth2.client_credentials import FORM_HEADERS, TokenRequest
from tollspan.oauth2.secret import Secret

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"

ASSERTION_LIFETIME_S = 1800

Algorithm = Literal["RS256", "RS384", "RS512"]


@dataclass(frozen=True, slots=True)
class JWTBearer:
    """How one client asks with assertions. `key` is an RSA private key in PEM, `key_id` its `kid`."""

    client_id: str
    key: Secret
    token_url: str
    key_id: str = ""
    algorithm: Algorithm = "RS256"
    issuer: str = ""
    audience: str = ""
    claims: tuple[tuple[str, Any], ...] = ()
    scopes: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()


def build_assertion_request(grant: JWTBearer) -> TokenRequest:
    """The access token request with a new assertion; ConfigError when the key cannot sign one."""
    parameters = [
        ("grant_type", GRANT_TYPE),
        ("assertion", _sign(grant, int(time.time()))),
        *grant.parameters,
    ]
    if grant.scopes:
        parameters.append(("scope", " ".join(grant.scopes)))
    return TokenRequest(grant.token_url, dict(FORM_HEADERS), urlencode(parameters).encode())


def _sign(grant: JWTBearer, now_s: int) -> str:
    # Cryptography takes 10 MB, which only those pay who use this grant.
    from joserfc import jwt  # noqa: PLC0415 - see above
    from joserfc.errors import JoseError  # noqa: PLC0415 - see above
    from joserfc.jwk import RSAKey  # noqa: PLC0415 - see above

    claims: Mapping[str, Any] = {
        "iss": grant.issuer or grant.client_id,
        "sub": grant.client_id,
        "aud": grant.audience or grant.token_url,
        "iat": now_s,
        "exp": now_s + ASSERTION_LIFETIME_S,
        "jti": str(uuid.uuid4()),
        **dict(grant.claims),
    }
    header = {"alg": grant.algorithm, "typ": "JWT"} | ({"kid": grant.key_id} if grant.key_id else {})
    try:
        key = RSAKey.import_key(grant.key.reveal())
        return jwt.encode(header, dict(claims), key, algorithms=[grant.algorithm])
    except (JoseError, ValueError, TypeError):
        # The cause may quote the key.
        raise ConfigError("client_certificate_key", "is not an RSA private key in PEM") from None
