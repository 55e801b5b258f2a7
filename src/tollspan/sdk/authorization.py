"""What each attempt to deliver is authorised with: the access token of the moment, a key, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tollspan.errors import ConfigError, RetryableError, TokenRequestError
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.http_exchange import Later, Outcome, Unauthorized
from tollspan.sdk.setting_values import read_credential
from tollspan.sdk.settings import Settings

Attempt = Callable[[Mapping[str, str], float], Outcome]
"""Sends with these headers, lower-case, within these seconds; may raise RetryableError."""


class Authorization:
    """Asks `token_source`, or reads the API key, anew for every attempt."""

    def __init__(self, settings: Settings, token_source: TokenSource | None) -> None:
        self._headers = settings.headers
        self._api_key = settings.api_key
        self._api_key_header = settings.api_key_header
        self._token_source = token_source

    def attempt(self, send: Attempt, timeout_s: float) -> Outcome:
        """What became of `send` within `timeout_s`. Never raises.

        When an access token is refused, another one is fetched and the same is sent once
        more (RFC 6750 §3.1).
        """
        deadline_s = time.monotonic() + timeout_s
        try:
            if self._token_source is None:
                return send(self._headers_with_key(), timeout_s)
            return self._attempt_with_token(self._token_source, send, deadline_s)
        except TokenRequestError as error:
            return Later(error.after_s, f"no access token: {error}")
        except ConfigError as error:
            return Later(None, str(error))
        except RetryableError as error:
            return Later(error.after_s, error.reason)

    def _attempt_with_token(self, token_source: TokenSource, send: Attempt, deadline_s: float) -> Outcome:
        for _ in range(2):  # The attempt, and one replay with another token.
            access_token = token_source.token(deadline_s - time.monotonic())
            authorised = {**self._headers_set(), "authorization": f"Bearer {access_token.value.reveal()}"}
            outcome = send(authorised, deadline_s - time.monotonic())
            if not isinstance(outcome, Unauthorized):
                break
            token_source.invalidate(access_token)
        return outcome

    def _headers_set(self) -> dict[str, str]:
        return {name: text.reveal() for name, text in self._headers.items()}

    def _headers_with_key(self) -> dict[str, str]:
        headers = self._headers_set()
        if self._api_key is not None:
            key = read_credential(self._api_key).reveal()
            name = self._api_key_header
            headers |= {"authorization": f"Bearer {key}"} if name is None else {name: key}
        return headers
