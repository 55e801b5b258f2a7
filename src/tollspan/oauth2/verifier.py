"""Whether a JWT access token is good, and whose it is (RFC 9068 §4, RFC 8725)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
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

ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
"""What RFC 9068 §2.1 has in the header; no other kind of JWT can be mistaken for it."""

ANY_JWT_TYPES = ACCESS_TOKEN_TYPES | {"jwt", ""}
"""For issuers that do not say so: their ID tokens are told apart by the audience alone."""

# Unknown header parameters are ignored (RFC 7515 §4); `crit` says which may not be.
_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of issuer writes access tokens.

    `token_types` are what the header may say, in lower case, and "" when it may say nothing.
    `read_principal` finds the caller in the claims, and raises ClaimError when it can't.
    `audience_claim` is where they say whom a token is for.
    """

    token_types: Collection[str]
    read_principal: Callable[[Mapping[str, Any]], Principal]
    audience_claim: str = "aud"


class Verifier:
    """Checks the access tokens of one issuer, by default ours, for the audiences that are ours."""

    def __init__(
        self,
        issuer: str,
        audience: str | Collection[str],
        keyset: KeyFinder,
        *,
        leeway_s: int = LEEWAY_MAX_S,
        profile: Profile | None = None,
    ) -> None:
        if not 0 <= leeway_s <= LEEWAY_MAX_S:
            raise ConfigError("leeway_s", f"must be 0 to {LEEWAY_MAX_S} seconds")
        self._keyset = keyset
        self._issuer = issuer
        self._audiences = [audience] if isinstance(audience, str) else list(audience)
        self._leeway_s = leeway_s
        self._profile = profile or Profile(ACCESS_TOKEN_TYPES, _read_own_principal)

    def verify(self, access_token: str, now_s: float | None = None) -> Principal:
        """The caller that `access_token` stands for at `now_s` (Unix time, default now).

        Takes a JWS in compact form whose header says `at+jwt`, RS256 or ES256, a `kid` of
        the issuer and no `crit`; whose claims name our issuer and one of our audiences,
        and hold at this time, give or take the leeway. Raises InvalidTokenError.
        """
        return self._verify(access_token, now_s)[1]

    def read(self, access_token: str, now_s: float | None = None) -> dict[str, Any]:
        """The claims of an access token that `verify` takes. Raises InvalidTokenError."""
        return self._verify(access_token, now_s)[0]

    def _verify(self, access_token: str, now_s: float | None) -> tuple[dict[str, Any], Principal]:
        claims = self._read_claims(access_token)
        try:
            self._check_claims(claims, time.time() if now_s is None else now_s)
            principal = self._profile.read_principal(claims)
        except ExpiredTokenError:
            raise InvalidTokenError("the access token has expired") from None
        except ClaimError as error:
            raise InvalidTokenError(
                f"the access token's claim {error.claim} is missing or not for us"
            ) from None
        return claims, replace(principal, expires_s=claims["exp"] + self._leeway_s)

    def _read_claims(self, access_token: str) -> dict[str, Any]:
        """The signed claims; none of them is looked at before the signature was found good."""
        if len(access_token) > TOKEN_CHARS_MAX:
            raise InvalidTokenError("the access token is too long")
        try:
            signed = jws.extract_compact(access_token.encode(), registry=_REGISTRY)
            header = signed.headers()
            key = self._keyset.find(self._read_kid(header))
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
        essential: dict[str, Any] = {
            "iss": {"essential": True, "value": self._issuer},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "sub": {"essential": True},
            self._profile.audience_claim: {"essential": True, "values": self._audiences},
        }
        # The registry is typed for whole seconds; it only compares.
        now: Any = now_s
        rules = JWTClaimsRegistry(now=now, leeway=self._leeway_s, **essential)
        rules.validate(claims)
        if not isinstance(claims["sub"], str):
            raise ClaimError("sub")

    def _read_kid(self, header: object) -> str:
        """The key id of a header that announces an access token."""
        if (
            not isinstance(header, dict)
            or str(header.get("typ", "")).lower() not in self._profile.token_types
        ):
            raise InvalidTokenError("the token is no access token: its type is not the expected one")
        if "crit" in header:
            raise InvalidTokenError("the access token demands an extension that is not known here")
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise InvalidTokenError("the access token does not say which key signed it")
        return kid


def _read_own_principal(claims: Mapping[str, Any]) -> Principal:
    """The caller in an access token of a Tollspan auth server."""
    if not isinstance(claims.get("client_id"), str):
        raise ClaimError("client_id")
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
        token_ids=frozenset(
            claims[name] for name in ("jti", "grant_id") if isinstance(claims.get(name), str)
        ),
    )
