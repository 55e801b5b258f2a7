"""Clients that prove themselves by a signed assertion, `private_key_jwt` (RFC 7523 §3, RFC 7521 §4.2)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry
from sqlalchemy import delete, insert, select

from tollspan.gateway.authserver.credential import Credential
from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.authserver.database import Database
from tollspan.gateway.authserver.schema import assertions
from tollspan.oauth2.keyset import KeySet

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS256", "PS256", "ES256"]
LIFETIME_S_MAX = 300
LEEWAY_S = 30
CHARS_MAX = 16 << 10


class ClientAssertions:
    """Checks assertions that are made for `issuer`; each is good once."""

    def __init__(
        self,
        issuer: str,
        database: Database,
        credentials: CredentialStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._database = database
        self._credentials = credentials
        self._clock = clock

    def authenticate(self, assertion: str) -> Credential | None:
        """The live credential that signed the assertion, else None. Raises StoreError.

        The assertion names the client as `iss` and `sub`, the issuer alone as `aud` (an
        array could hold another server's name as well), a `jti`, and an `exp` at most five
        minutes away.
        """
        client_id = read_client_id(assertion)
        keys = self._credentials.public_keys(client_id)
        claims, digest = _read_signed(assertion, keys)
        if claims is None or digest is None or not self._is_for_us(claims, client_id):
            return None
        credential = self._credentials.find_live(client_id)
        if credential is None or not self._use(client_id, claims):
            return None
        self._credentials.last_use.note(digest, self._clock())
        return credential

    def _is_for_us(self, claims: dict[str, Any], client_id: str) -> bool:
        now_s = self._clock()
        rules = JWTClaimsRegistry(
            now=int(now_s),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": client_id},
            sub={"essential": True, "value": client_id},
            exp={"essential": True},
            jti={"essential": True},
        )
        try:
            rules.validate(claims)
        except JoseError:
            return False
        lifetime_s = claims["exp"] - now_s
        return claims.get("aud") == self._issuer and lifetime_s <= LIFETIME_S_MAX + LEEWAY_S

    def _use(self, client_id: str, claims: dict[str, Any]) -> bool:
        """Whether this is the assertion's first use; it is used then."""
        digest = hashlib.sha256(f"{client_id} {claims['jti']}".encode("utf-8", "surrogatepass")).digest()
        with self._database.writing(announced=False) as connection:
            connection.execute(delete(assertions).where(assertions.c.expires_s < self._clock()))
            if connection.execute(select(assertions).where(assertions.c.digest == digest)).first():
                return False
            expires_s = claims["exp"] + LEEWAY_S
            connection.execute(insert(assertions).values(digest=digest, expires_s=expires_s))
        return True


def read_client_id(assertion: str) -> str:
    """Who the assertion says it is from, before anything of it was checked; empty when it says nothing."""
    if len(assertion) > CHARS_MAX:
        return ""
    try:
        claims = json.loads(extract_compact(assertion.encode()).payload)
        client_id = claims["sub"]
    except (JoseError, ValueError, LookupError, TypeError, RecursionError):
        return ""
    return client_id if isinstance(client_id, str) else ""


def _read_signed(
    assertion: str, keys: dict[bytes, dict[str, Any]]
) -> tuple[dict[str, Any] | None, bytes | None]:
    """The claims and the digest of the key that signed them; none when no key did."""
    for digest, jwk in keys.items():
        key = KeySet.from_jwks({"keys": [jwk]}).find(jwk["kid"])
        if key is None:
            continue
        try:
            token = jwt.decode(assertion, key, algorithms=ALGORITHMS)
        except (JoseError, ValueError, TypeError):
            continue
        return dict(token.claims), digest
    return None, None
