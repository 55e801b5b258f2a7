"""The token endpoint: client credentials in, a signed access token out (RFC 6749 §4.4).

Authlib's server core finds the grant, runs it and writes the errors. What it leaves open
or does otherwise than we want is decided here: who the client is, which scopes it gets,
and that no secret or token reaches a log.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    ClientMixin,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
)

from tollspan.errors import StoreError
from tollspan.gateway.authserver.credential import OAUTH2, Credential
from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.authserver.signing_keys import SigningKeys
from tollspan.gateway.authserver.throttle import Throttle
from tollspan.gateway.authserver.token_issuer import TokenIssuer
from tollspan.gateway.authserver.token_request import AccessTokenRequest, ClientRefusedError
from tollspan.otlp.http_exchange import HTTPResponse

LIFETIME_S = 600

_SCOPE = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*")  # RFC 6749 §3.3

_log = structlog.get_logger()


class TokenEndpoint:
    """Answers token requests for the credentials in a store.

    Tokens are for `issuer` itself, or for one of `audiences` when the client asks. Wrong
    secrets are throttled per client id and per source, tokens per client; a client with
    the right secret is never held up by the failures of others.
    """

    def __init__(
        self,
        issuer: str,
        audiences: Sequence[str],
        credentials: CredentialStore,
        signing_keys: SigningKeys,
        lifetime_s: int = LIFETIME_S,
    ) -> None:
        self._server = _Server(TokenIssuer(issuer, audiences, signing_keys, lifetime_s), credentials)

    def handle(self, method: str, headers: Mapping[str, str], body: bytes, source: str = "") -> HTTPResponse:
        """The answer to one request; blocks on the database.

        `headers` has lower-case names; `source` is the address to throttle by.
        """
        try:
            if method != "POST":
                raise _NotPostError
            return self._server.answer(AccessTokenRequest(headers, body, source))
        except OAuth2Error as error:
            return self._server.refuse(error, source)
        except StoreError as error:
            _log.error("token_request_failed", reason=str(error))
            return self._server.refuse(_LaterError(503, 1), source)

    async def handle_async(
        self, method: str, headers: Mapping[str, str], body: bytes, source: str = ""
    ) -> HTTPResponse:
        """`handle` on a thread."""
        return await asyncio.to_thread(self.handle, method, headers, body, source)


class _NotPostError(InvalidRequestError):  # type: ignore[misc]  # Authlib has no types
    status_code = 405
    description = "A token is asked for by POST."

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Allow", "POST")]


class _LaterError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """Not now: too many requests, or no database. No code of RFC 6749 §5.2 says so; §4.1.2.1 has this one."""

    error = "temporarily_unavailable"
    description = "Ask again later."

    def __init__(self, status: int, after_s: float) -> None:
        super().__init__(status_code=status)
        self.after_s = after_s

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", str(math.ceil(self.after_s)))]


class _Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """An authenticated credential as Authlib wants to see it."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential

    def check_grant_type(self, grant_type: str) -> bool:
        return self.credential.kind == OAUTH2 and grant_type == ClientCredentialsGrant.GRANT_TYPE


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    def validate_requested_scope(self) -> None:
        """Grant the scopes asked for, or all of the credential's when none is."""
        permissions = self.client.credential.permissions
        asked = self.request.payload.scope
        if asked and not _SCOPE.fullmatch(asked):
            raise InvalidScopeError
        self.granted_scopes = tuple(dict.fromkeys(asked.split(" "))) if asked else permissions
        if not set(self.granted_scopes) <= set(permissions):
            raise InvalidScopeError("The client may not have all of these scopes.")

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """As Authlib's, without the debug line that shows the token."""
        token = self.server.issue(self.client.credential, self.granted_scopes, self.request)
        return 200, token, self.TOKEN_RESPONSE_HEADER


class _Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, token_issuer: TokenIssuer, credentials: CredentialStore) -> None:
        super().__init__()
        self.register_grant(_Grant)
        self._token_issuer = token_issuer
        self._credentials = credentials
        self._failures_of_client = Throttle(burst=20, per_s=0.2)
        self._failures_of_source = Throttle(burst=100, per_s=2)
        # A whole fleet may share one credential and start at once.
        self._issues = Throttle(burst=1000, per_s=20)

    def answer(self, request: AccessTokenRequest) -> HTTPResponse:
        """The answer to a request that could be read. Raises StoreError."""
        response: HTTPResponse = self.create_token_response(request)
        return response

    def refuse(self, error: OAuth2Error, source: str, client_id: str | None = None) -> HTTPResponse:
        """The answer to a request that fails with `error`; `client_id` only when authenticated."""
        _log.warning("token_refused", error=error.error, source=source, client_id=client_id)
        return self.handle_response(*error())

    def authenticate_client(self, request: AccessTokenRequest, *_methods: object) -> _Client:
        """The client of `request`: checked before it is throttled, so that only failures are held up."""
        credential = self._credentials.authenticate_client(request.presented_id, request.presented_secret)
        if credential is None:
            after_s = max(
                self._failures_of_client.take(request.presented_id[:64]),
                self._failures_of_source.take(request.source),
            )
            raise _LaterError(429, after_s) if after_s else ClientRefusedError
        request.client = client = _Client(credential)
        if after_s := self._issues.take(credential.id):
            raise _LaterError(429, after_s)
        return client

    def issue(
        self, credential: Credential, granted_scopes: Sequence[str], request: AccessTokenRequest
    ) -> dict[str, Any]:
        """A new access token as the response's parameters, noted in the log."""
        claims = self._token_issuer.build_claims(credential, granted_scopes, request.audiences)
        shown = {name: claims[name] for name in ("client_id", "tenant", "aud", "scope", "jti", "exp")}
        _log.info("token_issued", **shown, kid=self._token_issuer.signing_keys.kid, source=request.source)
        return self._token_issuer.build_response(claims)

    def get_token_grant(self, request: AccessTokenRequest) -> _Grant:
        if not request.payload.grant_type:
            raise InvalidRequestError("The grant_type is missing.")
        grant: _Grant = super().get_token_grant(request)
        return grant

    def create_oauth2_request(self, request: AccessTokenRequest) -> AccessTokenRequest:
        return request

    def handle_error_response(self, request: AccessTokenRequest, error: OAuth2Error) -> HTTPResponse:
        client_id = request.client.credential.id if request.client else None
        return self.refuse(error, request.source, client_id)

    def handle_response(
        self, status: int, body: Mapping[str, Any], headers: Sequence[tuple[str, str]]
    ) -> HTTPResponse:
        return HTTPResponse(status, dict(headers), json.dumps(body).encode())

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Authlib tells frameworks what happens; nobody listens here."""
