"""The token endpoint (RFC 6749 §3.2), and beside it revocation and introspection.

Authlib's server core finds the grant, runs it and writes the errors. What it leaves open
or does otherwise than we want is decided here and in `grants`: who the client is, which
scopes it gets, and that no secret or token reaches a log.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    BaseGrant,
    ClientMixin,
    InvalidRequestError,
    OAuth2Error,
)

from tollspan.collector.sparse_log import SparseLog
from tollspan.errors import ConfigError, StoreError
from tollspan.gateway.authserver import grants
from tollspan.gateway.authserver.client_assertion import ClientAssertions
from tollspan.gateway.authserver.credential import OAUTH2, Credential
from tollspan.gateway.authserver.refresh_tokens import RefreshGrant
from tollspan.gateway.authserver.throttle import Throttle, name_source
from tollspan.gateway.authserver.token_issuer import TokenIssuer
from tollspan.gateway.authserver.token_request import AccessTokenRequest, ClientRefusedError
from tollspan.gateway.authserver.token_status import Introspection, Revocation, TokenStatus
from tollspan.otlp.http_exchange import HTTPResponse

LIFETIME_S = 600

REFUSALS_INTERVAL_S = 10.0
"""Refusals of one client at one address for one reason are logged once in this time, with their number."""

TOKEN, REVOCATION, INTROSPECTION = "token", "revocation", "introspection"
"""The three questions that clients ask, each with a path of its own."""

_log = structlog.get_logger()


class TokenEndpoint:
    """Answers requests of clients whose credentials are in a store.

    Wrong secrets are throttled per client id and per source, tokens per client; a client
    with the right secret is never held up by the failures of others.
    """

    def __init__(self, token_issuer: TokenIssuer, assertions: ClientAssertions, status: TokenStatus) -> None:
        self._server = _Server(token_issuer, assertions, status)
        self._watch = status.identity.watch

    def handle(
        self, method: str, headers: Mapping[str, str], body: bytes, source: str = "", asked: str = TOKEN
    ) -> HTTPResponse:
        """The answer to one request; blocks on the database.

        `headers` has lower-case names; `source` is the address to throttle by; `asked` is
        TOKEN, REVOCATION or INTROSPECTION.
        """
        try:
            if method != "POST":
                raise _NotPostError
            self._watch.look_here()
            return self._server.answer(AccessTokenRequest(headers, body, source), asked)
        except OAuth2Error as error:
            return self._server.refuse(error, source)
        except (StoreError, ConfigError) as error:
            self._server.log.log(logging.ERROR, "token_request_failed", reason=str(error))
            return self._server.refuse(_LaterError(503, 1), source)

    async def handle_async(
        self, method: str, headers: Mapping[str, str], body: bytes, source: str = "", asked: str = TOKEN
    ) -> HTTPResponse:
        """`handle` on a thread."""
        return await asyncio.to_thread(self.handle, method, headers, body, source, asked)

    def flush_log(self, *, at_once: bool = False) -> None:
        """As SparseLog.flush, of the refusals."""
        self._server.log.flush(at_once=at_once)


class _NotPostError(InvalidRequestError):  # type: ignore[misc]  # Authlib has no types
    status_code = 405
    description = "This is asked by POST."

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Allow", "POST")]


class _LaterError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """Not now: too many requests, no database or no key. RFC 6749 §5.2 has no code for it; §4.1.2.1 has."""

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
        may_refresh = self.credential.refreshable or grant_type != grants.REFRESH_TOKEN
        return self.credential.kind == OAUTH2 and may_refresh


class _Server(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, token_issuer: TokenIssuer, assertions: ClientAssertions, status: TokenStatus) -> None:
        super().__init__()
        self.register_grant(grants.ClientCredentials)
        self.register_grant(grants.Refresh)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)
        self.token_issuer = token_issuer
        self.log = SparseLog(REFUSALS_INTERVAL_S)
        self.token_status = status
        self.refresh_tokens = status.identity.refresh_tokens
        self._credentials = status.identity.credentials
        self._assertions = assertions
        self._failures_of_client = Throttle(burst=20, per_s=0.2)
        self._failures_of_source = Throttle(burst=100, per_s=2)
        # A whole fleet may share one credential and start at once.
        self._issues = Throttle(burst=1000, per_s=20)

    def answer(self, request: AccessTokenRequest, asked: str) -> HTTPResponse:
        """The answer to a request that could be read. Raises StoreError."""
        response: HTTPResponse
        if asked == TOKEN:
            response = self.create_token_response(request)
        else:
            response = self.create_endpoint_response(asked, request)
        return response

    def refuse(self, error: OAuth2Error, source: str, client_id: str | None = None) -> HTTPResponse:
        """The answer to a request that fails with `error`; `client_id` only when authenticated."""
        key = (error.error, source, client_id or "")
        facts = {"error": error.error, "source": source, "client_id": client_id}
        self.log.log(logging.WARNING, "token_refused", *key, **facts)
        return self.handle_response(*error())

    def authenticate_client(self, request: AccessTokenRequest, *_methods: object) -> _Client:
        """The client of `request`: checked before it is throttled, so that only failures are held up."""
        if request.presented_secret is None:
            credential = self._assertions.authenticate(request.presented_assertion)
        else:
            credential = self._credentials.authenticate_client(request.presented_id, request.presented_secret)
        if credential is None:
            after_s = max(
                self._failures_of_client.take(request.presented_id[:64]),
                self._failures_of_source.take(name_source(request.source)),
            )
            raise _LaterError(429, after_s) if after_s else ClientRefusedError
        request.client = client = _Client(credential)
        if after_s := self._issues.take(credential.id):
            raise _LaterError(429, after_s)
        return client

    def issue(
        self,
        request: AccessTokenRequest,
        granted_scopes: Sequence[str],
        audiences: Sequence[str],
        grant: RefreshGrant | None,
    ) -> dict[str, Any]:
        """A new access token, and the grant's refresh token, as response parameters; noted in the log."""
        grant_id = "" if grant is None else grant.id
        claims = self.token_issuer.build_claims(
            request.client.credential, granted_scopes, audiences, grant_id
        )
        shown = {name: claims[name] for name in ("client_id", "tenant", "aud", "scope", "jti", "exp")}
        _log.info("token_issued", **shown, kid=self.token_issuer.signing_keys.kid, source=request.source)
        answer = self.token_issuer.build_response(claims)
        return answer if grant is None else answer | {"refresh_token": grant.refresh_token.reveal()}

    def get_token_grant(self, request: AccessTokenRequest) -> BaseGrant:
        if not request.payload.grant_type:
            raise InvalidRequestError("The grant_type is missing.")
        grant: BaseGrant = super().get_token_grant(request)
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
