"""Sends OTLP over HTTP. A batch goes out as it came in; only its compression is made here.

    exporters:
      otlp_http:
        endpoint: https://otlp.example.com:4318
        auth:
          authenticator: oauth2client

`otlphttp` is the same exporter under its older name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from tollspan.collector.component import Factory, Host, Kind, Receipt
from tollspan.collector.compression import compress, content_encoding
from tollspan.collector.config.values import Duration, Parsed
from tollspan.collector.http_client import parse_url
from tollspan.collector.http_destination import HTTPDestination, HTTPDestinationConfig, user_agent
from tollspan.collector.otlp_outcome import conclude
from tollspan.collector.sender import Sender
from tollspan.errors import ConfigError, PermanentError
from tollspan.otlp.batch import Batch
from tollspan.otlp.http_exchange import Encoding, build_headers, read_response
from tollspan.otlp.json_mapping import wire_to_json
from tollspan.otlp.signals import Signal

URL = Annotated[str, Parsed(parse_url)]


class OTLPHTTPConfig(HTTPDestinationConfig, frozen=True, kw_only=True):
    """`exporters::otlp_http`. `endpoint` gets `/v1/<signal>` at its end, a signal's own is used as it is."""

    endpoint: URL = ""
    traces_endpoint: URL = ""
    metrics_endpoint: URL = ""
    logs_endpoint: URL = ""
    encoding: Literal["proto", "json"] = "proto"
    timeout_s: Duration = msgspec.field(default=30.0, name="timeout")

    def url(self, signal: Signal) -> str:
        """Where that signal is sent; empty when nowhere."""
        own: str = getattr(self, f"{signal.value}_endpoint")
        return own or (self.endpoint and self.endpoint + signal.path)

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        yield from super().problems()
        if not any(self.url(signal) for signal in Signal):
            yield ConfigError("", "at least one endpoint must be specified", "set endpoint")


class OTLPHTTPDestination:
    """Posts export requests."""

    def __init__(self, config: OTLPHTTPConfig) -> None:
        self._config = config
        self._destination = HTTPDestination(config)
        self._encoding = Encoding.JSON if config.encoding == "json" else Encoding.PROTOBUF
        self._compression = content_encoding(config.compression)
        self._headers = build_headers(self._encoding, self._compression, user_agent())
        self._urls = {signal: config.url(signal) for signal in Signal}

    async def start(self, host: Host) -> None:
        """Requests can be made."""
        self._destination.open(host, *filter(None, self._urls.values()))

    async def shutdown(self) -> None:
        """No connection is left."""
        await self._destination.close()

    async def send(self, batch: Batch) -> Receipt:
        """As Destination.send."""
        if not self._urls[batch.signal]:
            raise PermanentError(f"neither endpoint nor {batch.signal.value}_endpoint is set")
        data = batch.wire if self._encoding is Encoding.PROTOBUF else wire_to_json(batch.signal, batch.wire)
        body = await compress(data, self._compression)
        answer = await self._destination.post(self._urls[batch.signal], self._headers, body)
        return conclude(batch, read_response(batch.signal, answer.status, answer.headers, answer.body))


FACTORY = Factory(
    kind=Kind.EXPORTER,
    type="otlp_http",
    config=OTLPHTTPConfig,
    build=lambda config: Sender(config, OTLPHTTPDestination(config)),
    old_names=("otlphttp",),
)
