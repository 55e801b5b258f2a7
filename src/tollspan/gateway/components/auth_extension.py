"""The auth server's life, and its routes on a shared listener.

    extensions:
      auth:
        endpoint: 127.0.0.1:8320
        data_dir: ./tollspan-data
        issuer: https://telemetry.example.com   # default: the listener's own URL
        audiences: [https://gateway-api.unomiq.com]
        access_token_lifetime: 10m

It authenticates whoever refers to it: `auth: {authenticator: auth}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tollspan.collector.component import Factory, Host, Kind
from tollspan.collector.config.values import Duration, Endpoint
from tollspan.collector.http_body import ASGIBody, read_body
from tollspan.collector.http_server import HTTPServer, read_headers
from tollspan.errors import ConfigError, LimitError
from tollspan.gateway.authserver import metadata
from tollspan.gateway.authserver.authenticator import Authenticator
from tollspan.gateway.authserver.credentials import CredentialStore
from tollspan.gateway.authserver.sessions import Sessions
from tollspan.gateway.authserver.signing_keys import SigningKeys
from tollspan.gateway.authserver.token_endpoint import LIFETIME_S, TokenEndpoint
from tollspan.gateway.authserver.token_request import BODY_BYTES_MAX
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.verifier import Verifier
from tollspan.otlp.http_exchange import Encoding, HTTPProblem, failure

BODY_TIMEOUT_S = 10.0


class AuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`audiences` are names for this gateway, besides the issuer, that a token may be asked for."""

    endpoint: Endpoint
    data_dir: str
    issuer: str = ""
    audiences: list[str] = []
    access_token_lifetime_s: Duration = msgspec.field(default=LIFETIME_S, name="access_token_lifetime")

    def problems(self) -> Iterator[ConfigError]:
        """What the types do not show."""
        if self.access_token_lifetime_s < 1:
            yield ConfigError("access_token_lifetime", "must be at least 1s")
        if self.issuer.endswith("/"):
            yield ConfigError("issuer", "must not end in a slash", f"write {self.issuer.rstrip('/')}")


class AuthExtension:
    """Issues access tokens, and says who a request comes from."""

    def __init__(self, config: AuthConfig) -> None:
        self.sessions = Sessions()
        self._config = config
        self._credentials: CredentialStore
        self._signing_keys: SigningKeys
        self._http_server: HTTPServer

    async def start(self, host: Host) -> None:
        """Credentials and signing keys are open, and the routes are on the listener."""
        data_dir = Path(self._config.data_dir)
        self._signing_keys = await asyncio.to_thread(SigningKeys.open, data_dir)
        self._credentials = await asyncio.to_thread(CredentialStore, data_dir)
        self._http_server = host.http_server(self._config.endpoint)
        self._http_server.add_routes(
            [
                Route("/token", self._answer_token_request, methods=["GET", "POST"]),
                Route("/.well-known/oauth-authorization-server", self._show_authorization_server),
                Route("/.well-known/oauth-protected-resource", self._show_protected_resource),
                Route("/.well-known/jwks.json", self._show_jwks),
            ]
        )

    async def shutdown(self) -> None:
        """The credential store is closed."""
        await asyncio.to_thread(self._credentials.close)

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """As Authenticator.authenticate."""
        return await self._authenticator.authenticate(headers)

    async def authenticate_page(self, headers: Mapping[str, str]) -> Principal:
        """As Authenticator.authenticate_page."""
        return await self._authenticator.authenticate_page(headers)

    # The parts below need the issuer, and so, by default, a listener that has started: they
    # are made when the first request asks for them.

    @property
    def issuer(self) -> str:
        """The URL that access tokens name as their issuer."""
        return self._config.issuer or self._http_server.url

    @cached_property
    def _authenticator(self) -> Authenticator:
        audiences = [self.issuer, *self._config.audiences]
        # Issuer and verifier share one clock, so there is no leeway to give.
        verifier = Verifier(self.issuer, audiences, self._signing_keys.keyset(), leeway_s=0)
        return Authenticator(verifier, self._credentials, self.sessions)

    @cached_property
    def _token_endpoint(self) -> TokenEndpoint:
        lifetime_s = int(self._config.access_token_lifetime_s)
        audiences = self._config.audiences
        return TokenEndpoint(self.issuer, audiences, self._credentials, self._signing_keys, lifetime_s)

    async def _answer_token_request(self, request: Request) -> Response:
        headers = read_headers(request.scope)
        source = request.client.host if request.client else ""
        try:
            body = await read_body(
                ASGIBody(request.receive), None, bytes_max=BODY_BYTES_MAX, timeout_s=BODY_TIMEOUT_S
            )
        except (LimitError, HTTPProblem) as error:
            problem = {"error": "invalid_request", "error_description": str(error)}
            return JSONResponse(problem, failure(error, Encoding.JSON).status)
        except ClientDisconnect:
            return Response(status_code=400)
        answer = await self._token_endpoint.handle_async(request.method, headers, body, source)
        return Response(answer.body, answer.status, answer.headers)

    async def _show_authorization_server(self, _request: Request) -> Response:
        return JSONResponse(metadata.authorization_server(self.issuer))

    async def _show_protected_resource(self, _request: Request) -> Response:
        return JSONResponse(metadata.protected_resource(self.issuer))

    async def _show_jwks(self, _request: Request) -> Response:
        return Response(msgspec.json.encode(self._signing_keys.jwks()), headers=metadata.JWKS_HEADERS)


FACTORY = Factory(Kind.EXTENSION, "auth", AuthConfig, AuthExtension)
