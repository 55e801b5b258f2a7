"""Authenticates exporters with access tokens from a token endpoint (RFC 6749 §4.4, RFC 7523).

    extensions:
      oauth2client:
        client_id: ${env:CLIENT_ID}
        client_secret_file: /run/secrets/client-secret
        token_url: https://id.example.com/token
        scopes: [write:traces]
        endpoint_params:
          audience: https://telemetry.example.com

    exporters:
      otlp_http:
        endpoint: https://telemetry.example.com
        auth:
          authenticator: oauth2client

One token serves all exporters that name the extension. It is fetched at the start and ahead
of its expiry, in the background, by one request at a time; the start does not wait for it.
Files are read for each request. A token that a destination refuses is replaced.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
import structlog

from tollspan.collector.component import Condition, Factory, Host, Kind
from tollspan.collector.config.values import Duration, Opaque, Parsed
from tollspan.collector.http_client import HTTPClient, parse_url
from tollspan.collector.secret_file import read_secret
from tollspan.collector.tls import TLSClientConfig
from tollspan.errors import ConfigError, RetryableError, TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.async_token_source import AsyncTokenSource
from tollspan.oauth2.client_credentials import (
    RESPONSE_BYTES_MAX,
    ClientCredentials,
    TokenRequest,
    build_token_request,
    read_token_response,
)
from tollspan.oauth2.jwt_bearer import GRANT_TYPE, Algorithm, JWTBearer, build_assertion_request
from tollspan.oauth2.loopback import is_loopback
from tollspan.oauth2.secret import Secret

TIMEOUT_MAX_S = 60.0
"""How long a token request may take when `timeout` is 0."""

AuthMethod = Literal["client_secret_basic", "client_secret_post"]

_log = structlog.get_logger()


class OAuth2ClientConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`extensions::oauth2client`. A `_file` goes before the key without."""

    token_url: Annotated[str, Parsed(parse_url)]
    client_id: str = ""
    client_id_file: str = ""
    client_secret: Opaque = Secret("")
    client_secret_file: str = ""
    scopes: list[str] = []
    endpoint_params: dict[str, list[str]] = {}
    timeout_s: Duration = msgspec.field(default=10.0, name="timeout")
    expiry_buffer_s: Duration = msgspec.field(default=300.0, name="expiry_buffer")
    tls: TLSClientConfig = TLSClientConfig()
    grant_type: Literal["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"] = (
        "client_credentials"
    )
    client_certificate_key: Opaque = Secret("")
    client_certificate_key_file: str = ""
    client_certificate_key_id: str = ""
    signature_algorithm: Algorithm = "RS256"
    iss: str = ""
    audience: str = ""
    claims: dict[str, Any] = {}

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not (self.client_id or self.client_id_file):
            yield ConfigError("client_id", "no ClientID provided in the OAuth2 exporter configuration")
        if self.grant_type == GRANT_TYPE:
            if not (self.client_certificate_key.reveal() or self.client_certificate_key_file):
                yield ConfigError("client_certificate_key", "is required for this grant_type")
        elif not (self.client_secret.reveal() or self.client_secret_file):
            problem = "no ClientSecret provided in OAuth Client Credentials configuration"
            yield ConfigError("client_secret", problem)


class OAuth2ClientExtension:
    """Keeps a valid access token, and knows how that goes."""

    def __init__(self, config: OAuth2ClientConfig) -> None:
        self._config = config
        self._http = HTTPClient(config.tls)
        # Some servers take the secret in the header only, others in the body only (RFC 6749 §2.3.1).
        self._auth_methods: tuple[AuthMethod, ...] = ("client_secret_basic", "client_secret_post")

    async def start(self, host: Host) -> None:
        """The first token is being fetched; whether it can be had decides nothing here."""
        self._host = host
        self._http.open()
        if self._config.token_url.startswith("http:") and not is_loopback(self._config.token_url):
            _log.warning("client_secret_unencrypted", extension=host.component_id, url=self._config.token_url)
        self._tokens = AsyncTokenSource(
            self._fetch, self._report, expiry_buffer_s=self._config.expiry_buffer_s
        )
        self._refreshing = asyncio.create_task(self._tokens.keep_fresh())

    async def shutdown(self) -> None:
        """Nothing is fetched any more."""
        self._refreshing.cancel()
        await asyncio.gather(self._refreshing, return_exceptions=True)
        await self._tokens.close()
        await self._http.close()

    async def credentials(self) -> Mapping[str, str]:
        """As ClientAuthenticator.credentials."""
        access_token = await self._tokens.token()
        return {"authorization": f"Bearer {access_token.value.reveal()}"}

    def refused(self, credentials: Mapping[str, str]) -> bool:
        """As ClientAuthenticator.refused: there may be a newer token."""
        value = credentials["authorization"].removeprefix("Bearer ")
        self._tokens.invalidate(AccessToken(Secret(value), 0, 0))
        self._count("rejected")
        return True

    def condition(self) -> Condition:
        """Well as long as the token is valid."""
        error = self._tokens.error
        return Condition(failures=1, reason=f"no access token: {error}") if error else Condition()

    async def _fetch(self) -> AccessToken:
        try:
            access_token = await self._fetch_by_grant()
        except (ConfigError, TokenRequestError) as error:
            self._count("failed")
            if isinstance(error, ConfigError):
                raise TokenRequestError(str(error), "invalid_configuration") from None
            raise
        self._count("issued")
        return access_token

    async def _fetch_by_grant(self) -> AccessToken:
        if self._config.grant_type == GRANT_TYPE:
            return await self._ask(build_assertion_request(self._jwt_bearer()))
        *others, last = self._auth_methods
        for method in others:
            try:
                return await self._ask_with(method)
            except TokenRequestError as error:
                if error.status not in {400, 401}:
                    raise
        return await self._ask_with(last)

    async def _ask_with(self, method: AuthMethod) -> AccessToken:
        access_token = await self._ask(build_token_request(self._client_credentials(method)))
        self._auth_methods = (method,)
        return access_token

    async def _ask(self, request: TokenRequest) -> AccessToken:
        asked_s = time.monotonic()
        try:
            answer = await self._http.request(
                "POST",
                request.url,
                headers=request.headers,
                body=request.body,
                timeout_s=self._config.timeout_s or TIMEOUT_MAX_S,
                bytes_max=RESPONSE_BYTES_MAX + 1,
            )
        except RetryableError as error:
            raise TokenRequestError(f"the token endpoint gives no answer: {error}", "unreachable") from None
        return read_token_response(answer.status, answer.headers, answer.body, asked_s)

    def _client_credentials(self, method: AuthMethod) -> ClientCredentials:
        config = self._config
        return ClientCredentials(
            self._client_id(),
            read_secret("client_secret_file", config.client_secret_file, config.client_secret),
            config.token_url,
            scopes=tuple(config.scopes),
            auth_method=method,
            allow_insecure=True,  # as the Collector; `start` has warned
            parameters=self._parameters(),
        )

    def _jwt_bearer(self) -> JWTBearer:
        config = self._config
        return JWTBearer(
            self._client_id(),
            read_secret(
                "client_certificate_key_file",
                config.client_certificate_key_file,
                config.client_certificate_key,
            ),
            config.token_url,
            key_id=config.client_certificate_key_id,
            algorithm=config.signature_algorithm,
            issuer=config.iss,
            audience=config.audience,
            claims=tuple(config.claims.items()),
            scopes=tuple(config.scopes),
            parameters=self._parameters(),
        )

    def _client_id(self) -> str:
        return read_secret(
            "client_id_file", self._config.client_id_file, Secret(self._config.client_id)
        ).reveal()

    def _parameters(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (name, text) for name, texts in self._config.endpoint_params.items() for text in texts if text
        )

    def _report(self, error: TokenRequestError | None) -> None:
        extension = self._host.component_id
        if error is None:
            _log.info("access_token_received", extension=extension)
        else:
            _log.warning(
                "access_token_not_received", extension=extension, error=str(error), terminal=error.terminal
            )

    def _count(self, outcome: str) -> None:
        self._host.counters.add(
            "otelcol_oauth2client_tokens", 1, extension=self._host.component_id, outcome=outcome
        )


FACTORY = Factory(
    kind=Kind.EXTENSION, type="oauth2client", config=OAuth2ClientConfig, build=OAuth2ClientExtension
)
