"""One attempt to deliver a request body over OTLP/HTTP."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import version
from urllib.parse import urlsplit

from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.http_exchange import RESPONSE_BYTES_MAX, Encoding, Outcome, build_headers, read_response
from tollspan.otlp.signals import Signal
from tollspan.sdk.authorization import Authorization
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import Settings


@functools.cache
def user_agent() -> str:
    """Our product, then the exporter that we stand for (OTLP exporter specification, User Agent)."""
    return f"Tollspan-SDK/{version('tollspan')} OTel-OTLP-Exporter-Python/{version('opentelemetry-sdk')}"


class HTTPSender:
    """Delivers requests of one signal to `settings.url`."""

    def __init__(
        self, signal: Signal, settings: Settings, transport: HTTPTransport, token_source: TokenSource | None
    ) -> None:
        assert settings.url is not None, "there is a destination"
        self.destination = urlsplit(settings.url).netloc
        self._signal = signal
        self._url = settings.url
        self._transport = transport
        self._authorization = Authorization(settings, token_source)

    def send(self, body: bytes, compression: str, timeout_s: float) -> Outcome:
        """What became of `body` within `timeout_s`. Never raises."""
        return self._authorization.attempt(
            lambda headers, left_s: self._post(body, compression, headers, left_s), timeout_s
        )

    def close(self) -> None:
        """Let go of connections, until the next attempt; in a forked child they are the parent's."""
        self._transport.close()

    def _post(
        self, body: bytes, compression: str, authorised: Mapping[str, str], timeout_s: float
    ) -> Outcome:
        answer = self._transport.request(
            "POST",
            self._url,
            headers={**build_headers(Encoding.PROTOBUF, compression, user_agent()), **authorised},
            body=body,
            timeout_s=timeout_s,
            bytes_max=RESPONSE_BYTES_MAX,
        )
        return read_response(self._signal, answer.status, answer.headers, answer.body)
