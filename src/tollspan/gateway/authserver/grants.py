"""The grants of the token endpoint, on Authlib's core: client credentials and refresh tokens.

Authlib's own refresh grant is for users, and neither rotates atomically nor notices reuse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from authlib.oauth2.rfc6749 import (
    BaseGrant,
    ClientCredentialsGrant,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    TokenEndpointMixin,
)

from tollspan.errors import AuthError
from tollspan.gateway.authserver.refresh_tokens import RefreshGrant
from tollspan.oauth2.secret import Secret

REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a grant type

_SCOPE = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*")  # RFC 6749 §3.3


class ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """RFC 6749 §4.4; with a refresh token for a credential that may have one."""

    def validate_requested_scope(self) -> None:
        """Grant the scopes asked for, or all of the credential's when none is."""
        self.granted_scopes = _narrow(self.request.payload.scope, self.client.credential.permissions)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """As Authlib's, without the debug line that shows the token."""
        credential, token_issuer = self.client.credential, self.server.token_issuer
        token_issuer.check_audiences(self.request.audiences)
        audiences = self.request.audiences or (token_issuer.issuer,)
        grant = None
        if credential.refreshable:
            grant = self.server.refresh_tokens.begin(credential, self.granted_scopes, audiences)
        answer = self.server.issue(self.request, self.granted_scopes, audiences, grant)
        return 200, answer, self.TOKEN_RESPONSE_HEADER


class Refresh(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]  # Authlib has no types
    """RFC 6749 §6: the client proves itself, and the token is good once."""

    GRANT_TYPE = REFRESH_TOKEN

    def validate_token_request(self) -> None:
        """The client is known, may refresh, and sends a refresh token."""
        self.request.client = self.authenticate_token_endpoint_client()
        if not self.client.check_grant_type(self.GRANT_TYPE):
            raise OAuth2Error(error="unauthorized_client", description="The client may not refresh.")
        if not self.request.payload.data.get("refresh_token"):
            raise InvalidRequestError("The refresh_token is missing.")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """An access token for what was granted at first, or less, and the next refresh token."""
        presented = Secret(self.request.payload.data["refresh_token"])
        try:
            grant = self.server.refresh_tokens.rotate(presented, self.client.credential, self._check_wish)
        except AuthError as error:
            raise InvalidGrantError(error.description) from None
        granted_scopes = _narrow(self.request.payload.scope, grant.permissions)
        answer = self.server.issue(
            self.request, granted_scopes, self.request.audiences or grant.audiences, grant
        )
        return 200, answer, self.TOKEN_RESPONSE_HEADER

    def _check_wish(self, grant: RefreshGrant) -> None:
        """Return when the grant has all that is asked for; raise OAuth2Error when not."""
        _narrow(self.request.payload.scope, grant.permissions)
        if not set(self.request.audiences) <= set(grant.audiences):
            raise OAuth2Error(error="invalid_target", description="The grant is not for this audience.")


def _narrow(asked: str | None, permissions: Sequence[str]) -> tuple[str, ...]:
    """The scopes of a request, all of `permissions` without a wish. Raises OAuth2Error `invalid_scope`."""
    if asked and not _SCOPE.fullmatch(asked):
        raise InvalidScopeError
    granted_scopes = tuple(dict.fromkeys(asked.split(" "))) if asked else tuple(permissions)
    if not set(granted_scopes) <= set(permissions):
        raise InvalidScopeError("The client may not have all of these scopes.")
    return granted_scopes
