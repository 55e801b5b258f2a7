"""The tokens of any OpenID provider: whether one is good, and what it claims (OIDC Core §3.1.3.7, RFC 8725).

Wider than `verifier`, which takes our own issuer's tokens only: providers differ in type,
audience and algorithms, so whoever configures one says what to look at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from tollspan.errors import InvalidTokenError, TokenRequestError
from tollspan.oauth2.keyset import KeyFinder
from tollspan.oauth2.verifier import TOKEN_CHARS_MAX

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")

LEEWAY_S = 60


@dataclass(frozen=True, slots=True)
class IDProvider:
    """One issuer. An empty `issuer` or `audience` is not looked at.

    `outage` says why the issuer's keys cannot be had now, and nothing while they can.
    """

    issuer: str
    audience: str
    keyset: KeyFinder
    outage: Callable[[], str]

    def read_claims(self, token: str) -> dict[str, Any]:
        """The claims of a token that is signed by this issuer, for us, and valid now.

        Raises InvalidTokenError; TokenRequestError when the issuer's keys are not known.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise InvalidTokenError("the token is too long")
        try:
            decoded = jwt.decode(token, lambda signed: self._find_key(signed.headers()), list(ALGORITHMS))
            self._check(decoded.claims)
        except ExpiredTokenError:
            raise InvalidTokenError("the token has expired") from None
        except ClaimError as error:
            raise InvalidTokenError(f"the token's claim {error.claim} is missing or not for us") from None
        except (JoseError, ValueError, TypeError):
            raise InvalidTokenError("the token is malformed, or its signature is wrong") from None
        return decoded.claims

    def _find_key(self, header: dict[str, Any]) -> Any:
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise InvalidTokenError("the token does not say which key signed it")
        key = self.keyset.find(kid)
        if key is None and (reason := self.outage()):
            raise TokenRequestError(f"the keys of {self.issuer} are not known: {reason}", "unreachable")
        if key is None:
            raise InvalidTokenError("the token is signed with an unknown key")
        return key

    def _check(self, claims: dict[str, Any]) -> None:
        rules: dict[str, Any] = {"exp": {"essential": True}}
        if self.issuer:
            rules["iss"] = {"essential": True, "value": self.issuer}
        if self.audience:
            rules["aud"] = {"essential": True, "value": self.audience}
        JWTClaimsRegistry(now=int(time.time()), leeway=LEEWAY_S, **rules).validate(claims)
