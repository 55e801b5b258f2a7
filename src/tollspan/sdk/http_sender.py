"""One attempt to deliver a request body over OTLP/HTTP, with an access token that is valid now."""

from __future__ import annotations

import functools
import json
import time
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from tollspan.errors import ConfigError, RetryableError, TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.client_credentials import RESPONSE_BYTES_MAX as TOKEN_RESPONSE_BYTES_MAX
from tollspan.oauth2.client_credentials import ClientCredentials, build_token_request, read_token_response
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.http_exchange import (
    RESPONSE_BYTES_MAX,
    Encoding,
    HTTPResponse,
    Later,
    Outcome,
    Unauthorized,
    build_headers,
    read_response,
)
from tollspan.otlp.signals import Signal
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.setting_values import read_credential
from tollspan.sdk.settings import Settings

TOKEN_TIMEOUT_S = 10.0
"""How long a token request may take, all in all."""


@functools.cache
def user_agent() -> str:
    """Our product, then the exporter that we stand for (OTLP exporter specification, User Agent)."""
    return f"Tollspan-SDK/{version('tollspan')} OTel-OTLP-Exporter-Python/{version('opentelemetry-sdk')}"


class HTTPSender:
    """Delivers requests of one signal to `settings.url`.

    Every attempt asks `token_source`, or reads the API key, anew. When an access token is
    refused, another one is fetched and the same body sent once more (RFC 6750 §3.1).
    """

    def __init__(
        self, signal: Signal, settings: Settings, transport: HTTPTransport, token_source: TokenSource | None
    ) -> None:
        assert settings.url is not None, "there is a destination"
        self.destination = urlsplit(settings.url).netloc
        self._signal = signal
        self._url = settings.url
        self._headers = settings.headers
        self._api_key = settings.api_key
        self._transport = transport
        self._token_source = token_source

    def send(self, body: bytes, compression: str, timeout_s: float) -> Outcome:
        """What became of `body` within `timeout_s`. Never raises."""
        deadline_s = time.monotonic() + timeout_s
        try:
            if self._token_source is None:
                key = None if self._api_key is None else read_credential(self._api_key)
                return self._post(body, compression, key, timeout_s)
            return self._post_with_token(self._token_source, body, compression, deadline_s)
        except TokenRequestError as error:
            return Later(error.after_s, f"no access token: {error}")
        except ConfigError as error:
            return Later(None, str(error))
        except RetryableError as error:
            return Later(error.after_s, error.reason)

    def close(self) -> None:
        """Let go of connections, until the next attempt; in a forked child they are the parent's."""
        self._transport.close()

    def _post_with_token(
        self, token_source: TokenSource, body: bytes, compression: str, deadline_s: float
    ) -> Outcome:
        for _ in range(2):  # The attempt, and one replay with another token.
            access_token = token_source.token(deadline_s - time.monotonic())
            outcome = self._post(body, compression, access_token.value, deadline_s - time.monotonic())
            if not isinstance(outcome, Unauthorized):
                break
            token_source.invalidate(access_token)
        return outcome

    def _post(self, body: bytes, compression: str, bearer: Secret | None, timeout_s: float) -> Outcome:
        headers = build_headers(Encoding.PROTOBUF, compression, user_agent())
        headers |= {name: text.reveal() for name, text in self._headers.items()}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer.reveal()}"
        answer = self._transport.request(
            "POST", self._url, headers=headers, body=body, timeout_s=timeout_s, bytes_max=RESPONSE_BYTES_MAX
        )
        return read_response(self._signal, answer.status, answer.headers, answer.body)


class TokenFetch:
    """Makes one token request per call, with the client id and secret as they are by then.

    Without `settings.token_url` the endpoint's metadata name the URL (RFC 8414), or it is
    `<endpoint>/token`; either is found once, by the first call.
    """

    def __init__(self, settings: Settings, transport: HTTPTransport) -> None:
        self._settings = settings
        self._transport = transport
        self._token_url = settings.token_url

    def __call__(self) -> AccessToken:
        """A new access token; raises TokenRequestError."""
        try:
            if self._token_url is None:
                self._token_url = self._discover()
            request = build_token_request(self._credentials(self._token_url))
            asked_s = time.monotonic()
            answer = self._request("POST", request.url, request.headers, request.body)
        except ConfigError as error:
            raise TokenRequestError(str(error), "invalid_configuration") from None
        except RetryableError as error:
            raise TokenRequestError(f"the token endpoint gives no answer: {error}", "unreachable") from None
        return read_token_response(answer.status, answer.headers, answer.body, asked_s)

    def _credentials(self, token_url: str) -> ClientCredentials:
        assert self._settings.client_id is not None
        assert self._settings.client_secret is not None
        return ClientCredentials(
            read_credential(self._settings.client_id).reveal(),
            read_credential(self._settings.client_secret),
            token_url,
            self._settings.audience,
            self._settings.scopes,
            allow_insecure=self._settings.allow_insecure,
        )

    def _discover(self) -> str:
        issuer = self._settings.endpoint
        answer = self._request("GET", f"{issuer}/.well-known/oauth-authorization-server", {}, None)
        if answer.status == 429 or answer.status >= 500:
            raise RetryableError(f"HTTP {answer.status} for its metadata")
        metadata = _object(answer)
        # RFC 8414 §3.3: metadata of any other issuer must not be used.
        if metadata.get("issuer") == issuer and isinstance(metadata.get("token_endpoint"), str):
            return str(metadata["token_endpoint"])
        return f"{issuer}/token"

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> HTTPResponse:
        return self._transport.request(
            method,
            url,
            headers={**headers, "User-Agent": user_agent(), "Accept-Encoding": "identity"},
            body=body,
            timeout_s=TOKEN_TIMEOUT_S,
            bytes_max=TOKEN_RESPONSE_BYTES_MAX + 1,
        )


def _object(answer: HTTPResponse) -> dict[str, Any]:
    try:
        document = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        document = None
    return document if isinstance(document, dict) else {}
