"""Whether a JWT access token is good, and whose it is (RFC 9068 §4, RFC 8725)."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from typing import Any

from joserfc import jws
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from tollspan.errors import ConfigError, InvalidTokenError
from tollspan.oauth2.keyset import KeyFinder
from tollspan.oauth2.principal import Principal

ALGORITHMS = ("RS256", "ES256")
TOKEN_CHARS_MAX = 16 << 10
LEEWAY_MAX_S = 60

_TYPES = frozenset({"at+jwt", "application/at+jwt"})

# Unknown header parameters are ignored (RFC 7515 §4); `crit` says which may not be.
_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


class Verifier:
    """Checks the access tokens of one issuer for the audiences that are ours.

    Replace `keyset` to rotate the keys; a verification under way keeps the one it began with.
    """

    def __init__(
        self, issuer: str, audience: str | Collection[str], keyset: KeyFinder, *, leeway_s: int = LEEWAY_MAX_S
    ) -> None:
        if not 0 <= leeway_s <= LEEWAY_MAX_S:
            raise ConfigError("leeway_s", f"must be 0 to {LEEWAY_MAX_S} seconds")
        self.keyset = keyset
        self._issuer = issuer
        self._audiences = [audience] if isinstance(audience, str) else list(audience)
        self._leeway_s = leeway_s

    def verify(self, access_token: str, now_s: float | None = None) -> Principal:
        """The caller that `access_token` stands for at `now_s` (Unix time, default now).

        Takes a JWS in compact form whose header says `at+jwt`, RS256 or ES256, a `kid` of
        the issuer and no `crit`; whose claims name our issuer and one of our audiences,
        and hold at this time, give or take the leeway. Raises InvalidTokenError.
        """
        claims = self._read_claims(access_token)
        try:
            self._check_claims(claims, time.time() if now_s is None else now_s)
            return _principal(claims, self._leeway_s)
        except ExpiredTokenError:
            raise InvalidTokenError("the access token has expired") from None
        except ClaimError as error:
            raise InvalidTokenError(
                f"the access token's claim {error.claim} is missing or not for us"
            ) from None

    def _read_claims(self, access_token: str) -> dict[str, Any]:
        """The signed claims; none of them is looked at before the signature was found good."""
        if len(access_token) > TOKEN_CHARS_MAX:
            raise InvalidTokenError("the access token is too long")
        try:
            signed = jws.extract_compact(access_token.encode(), registry=_REGISTRY)
            header = signed.headers()
            key = self.keyset.find(_read_kid(header))
            if key is None:
                raise InvalidTokenError("the access token is signed with an unknown key")
            if not jws.validate_compact(signed, key, registry=_REGISTRY):
                raise InvalidTokenError("the access token's signature is wrong")
            claims = json.loads(signed.payload)
        except (JoseError, ValueError, TypeError):
            raise InvalidTokenError("the access token is malformed or of a kind that is not taken") from None
        if not isinstance(claims, dict):
            raise InvalidTokenError("the access token has no claims")
        return claims

    def _check_claims(self, claims: dict[str, Any], now_s: float) -> None:
        rules = JWTClaimsRegistry(
            # The registry is typed for whole seconds; it only compares.
            now=now_s,  # type: ignore[arg-type]  # a float serves as well
            leeway=self._leeway_s,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "values": self._audiences},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            client_id={"essential": True},
        )
        rules.validate(claims)


def _read_kid(header: object) -> str:
    """The key id of a header that announces an access token."""
    if not isinstance(header, dict) or str(header.get("typ")).lower() not in _TYPES:
        raise InvalidTokenError("the token is no access token: its type is not at+jwt")
    if "crit" in header:
        raise InvalidTokenError("the access token demands an extension that is not known here")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise InvalidTokenError("the access token does not say which key signed it")
    return kid


def _principal(claims: dict[str, Any], leeway_s: int) -> Principal:
    tenant = claims.get("tenant")
    if not isinstance(tenant, str) or not tenant:
        raise ClaimError("tenant")
    datasets = claims.get("datasets", [])
    if not isinstance(datasets, list) or not all(isinstance(dataset, str) for dataset in datasets):
        raise ClaimError("datasets")
    granted_scopes = claims.get("scope", "")
    if not isinstance(granted_scopes, str):
        raise ClaimError("scope")
    return Principal(
        subject=claims["sub"],
        tenant=tenant,
        permissions=frozenset(granted_scopes.split()),
        datasets=frozenset(datasets),
        expires_s=claims["exp"] + leeway_s,
    )
