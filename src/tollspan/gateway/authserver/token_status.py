"""Introspection (RFC 7662) and revocation (RFC 7009) of the tokens that this auth server issued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from tollspan.errors import InvalidTokenError
from tollspan.gateway.authserver import revoked_tokens
from tollspan.gateway.authserver.credential import Credential
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.secret_text import REFRESH_TOKEN_PREFIX
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.verifier import Verifier

_log = structlog.get_logger()

INACTIVE = {"active": False}
"""All that is said of a token that is expired, revoked, foreign or none."""


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """Both questions are asked by an authenticated `caller`. The methods may raise StoreError."""

    verifier: Verifier
    identity: Identity

    def describe(self, token: str, caller: Credential) -> dict[str, Any]:
        """An introspection response: of the caller's own refresh tokens, and its tenant's access tokens."""
        if token.startswith(REFRESH_TOKEN_PREFIX):
            return self._describe_refresh_token(Secret(token), caller)
        claims = self._read(token)
        if claims is None or claims["tenant"] != caller.tenant:
            return INACTIVE
        subject = self.identity.credentials.find_live(claims["sub"])
        token_ids = [claims[name] for name in ("jti", "grant_id") if name in claims]
        if subject is None or revoked_tokens.is_any_revoked(self.identity.database, token_ids):
            return INACTIVE
        return {"active": True, "token_type": "Bearer", **claims}

    def revoke(self, token: str, caller: Credential) -> None:
        """The token is worthless if it was the caller's; nobody learns whether it was."""
        if token.startswith(REFRESH_TOKEN_PREFIX):
            token_id = self.identity.refresh_tokens.revoke(Secret(token), caller)
        else:
            token_id = self._revoke_access_token(token, caller)
        if token_id:
            _log.info("token_revoked", client_id=caller.id, tenant=caller.tenant, token_id=token_id)

    def _revoke_access_token(self, token: str, caller: Credential) -> str:
        """The `jti` of the caller's token, which is worthless now; empty when it is not the caller's."""
        claims = self._read(token)
        if claims is None or claims["client_id"] != caller.id:
            return ""
        with self.identity.database.writing() as connection:
            revoked_tokens.revoke(connection, claims["jti"], claims["exp"])
        return str(claims["jti"])

    def _describe_refresh_token(self, refresh_token: Secret, caller: Credential) -> dict[str, Any]:
        grant = self.identity.refresh_tokens.find(refresh_token, caller)
        if grant is None:
            return INACTIVE
        shown = {"client_id": caller.id, "scope": " ".join(grant.permissions), "exp": int(grant.expires_s)}
        return {"active": True, **shown}

    def _read(self, token: str) -> dict[str, Any] | None:
        try:
            return self.verifier.read(token)
        except InvalidTokenError:
            return None


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # Authlib has no types
    """RFC 7662 §2: who is authenticated as a client may ask."""

    def authenticate_token(self, request: Any, client: Any) -> dict[str, Any]:
        """What is to be said about the token."""
        self.check_params(request, client)
        status: TokenStatus = self.server.token_status
        return status.describe(request.form["token"], client.credential)

    def create_introspection_payload(self, token: dict[str, Any]) -> dict[str, Any]:
        """The description as it is."""
        return token


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib has no types
    """RFC 7009 §2: the answer is the same whatever the token was."""

    def authenticate_token(self, request: Any, client: Any) -> str:
        """The token as it was sent; whose it is shows when it is revoked."""
        self.check_params(request, client)
        return str(request.form["token"])

    def revoke_token(self, token: str, request: Any) -> None:
        """The token is worthless if it was the client's."""
        self.server.token_status.revoke(token, request.client.credential)
