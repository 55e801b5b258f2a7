"""A sender as `init` builds it, and the parts it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zlib_ng import zlib_ng

from helpers.ended_spans import ended_spans
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.encoding import encode_spans
from tollspan.otlp.http_exchange import Outcome
from tollspan.otlp.signals import Signal
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.senders import new_sender
from tollspan.sdk.settings import read_settings
from tollspan.sdk.token_fetch import TokenFetch

SECRET = "hunter2-do-not-show"
OAUTH2 = {"client_id": "shop", "client_secret": SECRET}


class Sending:
    """`arguments` are those of `init`."""

    def __init__(self, environ: Mapping[str, str] | None = None, **arguments: Any) -> None:
        self.settings, problems = read_settings(arguments, environ or {})
        assert problems == []
        self.transport = HTTPTransport(self.settings)
        self.fetch = TokenFetch(self.settings, self.transport)
        self.tokens = TokenSource(self.fetch) if self.settings.client_id else None
        self.sender = new_sender(Signal.TRACES, self.settings, self.transport, self.tokens)

    def send(self, name: str = "a", timeout_s: float = 10) -> Outcome:
        body = encode_spans(ended_spans([name])).body
        if self.settings.compression == "gzip":
            body = zlib_ng.compress(body, 1, 31)
        return self.sender.send(body, self.settings.compression, timeout_s)
