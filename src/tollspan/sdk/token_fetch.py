"""Token requests: with the credentials of the moment, to a token endpoint that is found when needed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tollspan.errors import ConfigError, RetryableError, TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.client_assertion import PrivateKey
from tollspan.oauth2.client_credentials import (
    RESPONSE_BYTES_MAX,
    ClientCredentials,
    build_token_request,
    read_token_response,
)
from tollspan.oauth2.secret import Secret
from tollspan.otlp.http_exchange import HTTPResponse
from tollspan.sdk.http_sender import user_agent
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.setting_values import read_credential
from tollspan.sdk.settings import Settings

TIMEOUT_S = 10.0
"""How long a token request may take, all in all."""


class TokenFetch:
    """Makes one token request per call, with the client's id, secret or key as they are by then.

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
        settings = self._settings
        assert settings.client_id is not None
        return ClientCredentials(
            read_credential(settings.client_id).reveal(),
            None if settings.client_secret is None else read_credential(settings.client_secret),
            token_url,
            settings.audience,
            settings.scopes,
            settings.auth_method,
            settings.allow_insecure,
            tuple(settings.token_parameters.items()),
            self._private_key(),
        )

    def _private_key(self) -> PrivateKey | None:
        if (file := self._settings.private_key_file) is None:
            return None
        try:
            text = Secret(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(file, f"holds no private key ({type(error).__name__})") from None
        return PrivateKey(text, self._settings.private_key_id, self._settings.assertion_audience)

    def _discover(self) -> str:
        issuer = self._settings.endpoint
        answer = self._request("GET", f"{issuer}/.well-known/oauth-authorization-server", {}, None)
        if answer.status == 429 or answer.status >= 500:
            raise RetryableError(f"HTTP {answer.status} for its metadata")
        metadata = _object(answer)
        # RFC 8414 §3.3: metadata of any other issuer must not be used.
        if metadata.get("issuer") != issuer:
            return f"{issuer}/token"
        aliases = metadata.get("mtls_endpoint_aliases")
        if self._settings.auth_method == "tls_client_auth" and isinstance(aliases, dict):
            metadata |= aliases  # RFC 8705 §5
        token_endpoint = metadata.get("token_endpoint")
        return token_endpoint if isinstance(token_endpoint, str) else f"{issuer}/token"

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> HTTPResponse:
        return self._transport.request(
            method,
            url,
            headers={**headers, "User-Agent": user_agent(), "Accept-Encoding": "identity"},
            body=body,
            timeout_s=TIMEOUT_S,
            bytes_max=RESPONSE_BYTES_MAX + 1,
        )


def _object(answer: HTTPResponse) -> dict[str, Any]:
    try:
        document = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        document = None
    return document if isinstance(document, dict) else {}
