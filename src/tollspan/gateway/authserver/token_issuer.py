"""What an access token says (RFC 9068 §2, RFC 8707)."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error

from tollspan.gateway.authserver.credential import Credential
from tollspan.gateway.authserver.signing_keys import SigningKeys


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Makes access tokens that name `issuer` and live `lifetime_s`, or until the credential expires.

    Without a wish the audience is the issuer itself; any of `audiences` may be asked for instead.
    """

    issuer: str
    audiences: Sequence[str]
    signing_keys: SigningKeys
    lifetime_s: int

    def check_audiences(self, asked_audiences: Sequence[str]) -> None:
        """Return when tokens are issued for all of these; raise OAuth2Error `invalid_target` when not."""
        known = (self.issuer, *self.audiences)
        if not set(known).issuperset(asked_audiences):
            problem = f"No tokens are issued for this audience, only for {', '.join(known)}."
            raise OAuth2Error(error="invalid_target", description=problem)

    def build_claims(
        self,
        credential: Credential,
        granted_scopes: Sequence[str],
        asked_audiences: Sequence[str],
        grant_id: str = "",
    ) -> dict[str, Any]:
        """The claims of a new token, which ends with the grant named; the audiences have been checked."""
        now_s = int(time.time())
        expires_s = min(now_s + self.lifetime_s, credential.expires_s or math.inf)
        claims = {
            "iss": self.issuer,
            "sub": credential.id,
            "client_id": credential.id,
            "aud": list(asked_audiences) if len(asked_audiences) > 1 else (*asked_audiences, self.issuer)[0],
            "iat": now_s,
            "exp": int(expires_s),
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(granted_scopes),
            "tenant": credential.tenant,
        }
        bounds = {"datasets": list(credential.datasets), "grant_id": grant_id}
        return claims | {name: bound for name, bound in bounds.items() if bound}

    def build_response(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The signed token as an access token response (RFC 6749 §5.1)."""
        return {
            "access_token": self.signing_keys.sign(claims),
            "token_type": "Bearer",
            "expires_in": claims["exp"] - claims["iat"],
            "scope": claims["scope"],
        }
