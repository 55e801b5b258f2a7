"""The auth server's life, and its routes on a shared listener.

    extensions:
      auth:
        endpoint: 127.0.0.1:8320
        data_dir: ./tollspan-data
        issuer: https://telemetry.example.com   # default: the listener's own URL
        audiences: [https://gateway-api.unomiq.com]
        access_token_lifetime: 10m
        key_passphrase: ${env:KEY_PASSPHRASE}   # encrypts the private signing keys at rest
        identity: postgresql://user:password@host/database   # default: a file in data_dir
        issues_tokens: true           # without it, no private key is opened here
        tls: null                     # {cert_file, key_file}, where no receiver on the listener has it
        trusted_issuers: []           # see authserver/trusted_issuer.py
        sign_in: null                 # see authserver/oidc_sign_in.py

It authenticates whoever refers to it: `auth: {authenticator: auth}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
from tollspan.collector.tls import TLSServerConfig
from tollspan.errors import AuthError, ConfigError, LimitError, StoreError
from tollspan.gateway.authserver import metadata
from tollspan.gateway.authserver.authenticator import Authenticator
from tollspan.gateway.authserver.client_assertion import ClientAssertions
from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.oidc_sign_in import OidcConfig, OidcSignIn
from tollspan.gateway.authserver.secret_setting import SecretSetting
from tollspan.gateway.authserver.signing_keys import TOKEN_LIFETIME_S_MAX, SigningKeys
from tollspan.gateway.authserver.token_endpoint import (
    INTROSPECTION,
    LIFETIME_S,
    REVOCATION,
    TOKEN,
    TokenEndpoint,
)
from tollspan.gateway.authserver.token_issuer import TokenIssuer
from tollspan.gateway.authserver.token_request import BODY_BYTES_MAX
from tollspan.gateway.authserver.token_status import TokenStatus
from tollspan.gateway.authserver.trusted_issuer import TrustedIssuer, TrustedIssuerConfig
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.verifier import Verifier
from tollspan.otlp.http_exchange import Encoding, HTTPProblem, failure

BODY_TIMEOUT_S = 10.0
UPKEEP_INTERVAL_S = 10.0

METADATA_PATHS = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
"""RFC 8414 §3, and where clients look that know OpenID Connect alone."""

CLOCK_SKEW_S = 5
"""Clocks of machines that keep time differ by less."""

_ASKED = {"/token": TOKEN, "/revoke": REVOCATION, "/introspect": INTROSPECTION}


class AuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`audiences` are names for this gateway, besides the issuer, that a token may be asked for.

    `data_dir` has the private signing keys and, unless `identity` is a URL, the identity database.
    """

    endpoint: Endpoint
    data_dir: str
    issuer: str = ""
    audiences: list[str] = []
    access_token_lifetime_s: Duration = msgspec.field(default=LIFETIME_S, name="access_token_lifetime")
    identity: SecretSetting = Secret("")
    key_passphrase: SecretSetting = Secret("")
    issues_tokens: bool = True
    tls: TLSServerConfig | None = None
    trusted_issuers: list[TrustedIssuerConfig] = []
    sign_in: OidcConfig | None = None

    def problems(self) -> Iterator[ConfigError]:
        """What the types do not show."""
        if not 1 <= self.access_token_lifetime_s <= TOKEN_LIFETIME_S_MAX:
            yield ConfigError("access_token_lifetime", f"must be 1s to {TOKEN_LIFETIME_S_MAX}s")
        if not self.issues_tokens and not self.issuer:
            yield ConfigError(
                "issuer", "is missing", "write the URL of the auth server whose tokens are taken"
            )
        issuers = [self.issuer, *(trusted.issuer for trusted in self.trusted_issuers)]
        for issuer in sorted({issuer for issuer in issuers if issuers.count(issuer) > 1}):
            yield ConfigError("trusted_issuers", f"{issuer} is there twice, or this gateway's own issuer")
        if self.issuer.endswith("/"):
            yield ConfigError("issuer", "must not end in a slash", f"write {self.issuer.rstrip('/')}")


class AuthExtension:
    """Issues access tokens, and says who a request comes from."""

    def __init__(self, config: AuthConfig) -> None:
        self._identity: Identity
        self._config = config
        self._signing_keys: SigningKeys | None = None
        self._http_server: HTTPServer
        self._upkeep: asyncio.Task[None]

    async def start(self, host: Host) -> None:
        """The identity database is open, and the routes are on the listener."""
        await asyncio.to_thread(self._open)
        self._upkeep = asyncio.create_task(self._keep_up())
        self._http_server = host.http_server(self._config.endpoint)
        if self._config.tls is not None:
            self._http_server.require_tls(self._config.tls)
        routes = [Route("/.well-known/oauth-protected-resource", self._show_protected_resource)]
        if self._config.issues_tokens:
            routes += [
                # With any method: the endpoint says itself that it is asked by POST.
                *(Route(path, self._answer_client, methods=()) for path in _ASKED),
                *(Route(path, self._show_authorization_server) for path in METADATA_PATHS),
                Route("/.well-known/jwks.json", self._show_jwks),
            ]
        self._http_server.add_routes(routes)

    async def shutdown(self) -> None:
        """The identity database is closed."""
        self._upkeep.cancel()
        if self._config.issues_tokens:
            self._token_endpoint.flush_log(at_once=True)
        await asyncio.to_thread(self._identity.close)

    def identity(self) -> Identity:
        """The stores of the identity database; only between `start` and `shutdown`."""
        return self._identity

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """As Authenticator.authenticate; an AuthError names where the way to a token is described."""
        with self._pointing_the_way():
            return await self._authenticator.authenticate(headers)

    async def authenticate_page(self, headers: Mapping[str, str]) -> Principal:
        """As Authenticator.authenticate_page; an AuthError names where the way to a token is described."""
        with self._pointing_the_way():
            return await self._authenticator.authenticate_page(headers)

    async def check(self) -> dict[str, str]:
        """What is wrong with the `identity` database and the `signing_key`; empty texts where nothing is."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> dict[str, str]:
        checks = {"identity": _problem(self._identity.published_keys.check)}
        if self._signing_keys is not None:
            checks["signing_key"] = _problem(self._signing_keys.check)
        return checks

    @contextmanager
    def _pointing_the_way(self) -> Iterator[None]:
        try:
            yield
        except AuthError as error:
            error.resource_metadata = f"{self.issuer}/.well-known/oauth-protected-resource"
            raise

    def _open(self) -> None:
        data_dir = Path(self._config.data_dir)
        self._identity = Identity.open(self._config.identity.reveal() or data_dir)
        if self._config.issues_tokens:
            self._signing_keys = SigningKeys.open(
                data_dir, self._identity.published_keys, passphrase=self._config.key_passphrase
            )

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP_INTERVAL_S)
            await asyncio.to_thread(self._identity.credentials.last_use.write)
            if self._config.issues_tokens:
                self._token_endpoint.flush_log()

    # The parts below need the issuer, and so, by default, a listener that has started: they
    # are made when the first request asks for them.

    @property
    def issuer(self) -> str:
        """The URL that access tokens name as their issuer."""
        return self._config.issuer or self._http_server.url

    def is_behind_tls(self) -> bool:
        """Whether the gateway's clients come by https, be it that a proxy ends the TLS."""
        return self.issuer.startswith("https:")

    def oidc_sign_in(self) -> OidcSignIn | None:
        """How people sign in at an identity provider, if they can."""
        return self._oidc_sign_in

    @cached_property
    def _oidc_sign_in(self) -> OidcSignIn | None:
        config = self._config.sign_in
        return None if config is None else OidcSignIn(config, self.issuer)

    @cached_property
    def _verifier(self) -> Verifier:
        audiences = [self.issuer, *self._config.audiences]
        # Whoever shares a file shares a clock too; those who share a server may be on several machines.
        leeway_s = CLOCK_SKEW_S if self._config.identity.reveal() else 0
        return Verifier(self.issuer, audiences, self._identity.published_keys, leeway_s=leeway_s)

    @cached_property
    def _authenticator(self) -> Authenticator:
        trusted = {config.issuer: TrustedIssuer(config) for config in self._config.trusted_issuers}
        return Authenticator(self._verifier, self._identity, trusted=trusted)

    @cached_property
    def _token_endpoint(self) -> TokenEndpoint:
        identity, signing_keys = self._identity, self._signing_keys
        assert signing_keys is not None
        lifetime_s = int(self._config.access_token_lifetime_s)
        return TokenEndpoint(
            TokenIssuer(self.issuer, self._config.audiences, signing_keys, lifetime_s),
            ClientAssertions(self.issuer, identity.database, identity.credentials),
            TokenStatus(self._verifier, identity),
        )

    async def _answer_client(self, request: Request) -> Response:
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
        asked = _ASKED[request.url.path]
        answer = await self._token_endpoint.handle_async(request.method, headers, body, source, asked)
        return Response(answer.body, answer.status, answer.headers)

    async def _show_authorization_server(self, _request: Request) -> Response:
        return JSONResponse(metadata.authorization_server(self.issuer))

    async def _show_protected_resource(self, _request: Request) -> Response:
        return JSONResponse(metadata.protected_resource(self.issuer))

    async def _show_jwks(self, _request: Request) -> Response:
        await self._identity.watch.look()
        jwks = await asyncio.to_thread(self._identity.published_keys.jwks)
        return Response(msgspec.json.encode(jwks), headers=metadata.JWKS_HEADERS)


def _problem(check: Callable[[], None]) -> str:
    try:
        check()
    except (ConfigError, StoreError) as error:
        return str(error)
    return ""


FACTORY = Factory(Kind.EXTENSION, "auth", AuthConfig, AuthExtension)
