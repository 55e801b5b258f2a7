"""`tollspan.init`: settings to a running SDK, and the handle to it.

Nothing here touches the network, and nothing raises unless `strict` asks for it. A
process has one SDK; initialising again changes it.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace.sampling import Sampler

from tollspan.oauth2.secret import Secret
from tollspan.oauth2.token_source import TokenSource, TokenStatus
from tollspan.otlp.signals import Signal
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.delivery import Delivery
from tollspan.sdk.events import Events
from tollspan.sdk.export_queue import Tally
from tollspan.sdk.exporter import Exporter, FlushResult
from tollspan.sdk.http_sender import HTTPSender, TokenFetch
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.setting_values import UnitSource
from tollspan.sdk.settings import Settings, read_settings
from tollspan.sdk.spans import SPANS, SpanPipeline
from tollspan.sdk.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Status:
    """How the SDK is doing: ended spans = `sent` + `rejected` + all `dropped` + `queued`.

    `exporting` is false when there is nowhere to send to. `events` counts what the SDK
    reported about itself. `token` is None without OAuth2. A forked child counts its own spans.
    """

    exporting: bool
    queued: int
    sent: int
    rejected: int
    dropped: Mapping[str, int]
    last_error: str | None
    events: Mapping[str, int]
    token: TokenStatus | None


class Tollspan:
    """The SDK of this process, as `init` returns it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events = Events()
        self._attribution = Attribution(self._events)
        self._pipeline = SpanPipeline(self._attribution, self._events)
        self._tracing = Tracing(self._pipeline, self._events)
        self._configured = False
        self._token_source: TokenSource | None = None

    def configure(self, arguments: Mapping[str, Any], environ: Mapping[str, str], *, strict: bool) -> None:
        """The SDK works by these settings; see `init`, which calls this."""
        try:
            settings, problems = read_settings(arguments, environ)
            if strict and problems:
                raise problems[0]
            for problem in problems:
                self._events.misconfigured(problem)
            with self._lock:
                self._apply(settings)
        except Exception as error:
            if strict:
                raise
            # The text of an error that nobody foresaw may quote a setting.
            kind = type(error).__name__
            self._events.notice("init_failed", f"init failed, strict=True shows why: {kind}")

    def flush(self, timeout_s: float = 5.0) -> FlushResult:
        """Whatever has ended by now is delivered, as far as `timeout_s` allows."""
        exporter = self._pipeline.exporter
        return FlushResult(True, 0, 0, 0) if exporter is None else exporter.flush(timeout_s)

    def shutdown(self, timeout_s: float | None = None) -> FlushResult:
        """Whatever has ended is delivered, or dropped after `timeout_s` (default `shutdown_timeout_s`)."""
        exporter = self._pipeline.exporter
        if exporter is None:
            return FlushResult(True, 0, 0, 0)
        return exporter.shutdown(self._pipeline.shutdown_timeout_s if timeout_s is None else timeout_s)

    def status(self) -> Status:
        """The state at this instant; holds no secret."""
        exporter = self._pipeline.exporter
        tally = Tally(0, 0, {}, 0) if exporter is None else exporter.tally()
        return Status(
            exporting=exporter is not None and not exporter.closed,
            queued=tally.pending,
            sent=tally.sent,
            rejected=tally.rejected,
            dropped=tally.dropped,
            last_error=self._events.last_error,
            events=dict(self._events.counts),
            token=None if self._token_source is None else self._token_source.status(),
        )

    def _apply(self, settings: Settings) -> None:
        if self._configured:
            stays = "" if settings.url is not None else ", but the destination stays"
            self._events.notice("reconfigured", f"init was called again: the new settings apply{stays}")
        else:
            self._configured = True
            atexit.register(self.shutdown)
        self._attribution.use(settings.unit, settings.parent_unit)
        self._tracing.attach(settings)
        if settings.url is not None:
            self._connect(settings)

    def _connect(self, settings: Settings) -> None:
        """What waits and what comes goes where `settings` say."""
        transport = HTTPTransport(settings)
        self._token_source = (
            None if settings.client_id is None else TokenSource(TokenFetch(settings, transport))
        )
        sender = HTTPSender(Signal.TRACES, settings, transport, self._token_source)
        self._pipeline.shutdown_timeout_s = settings.shutdown_timeout_s
        if self._pipeline.exporter is not None and not self._pipeline.exporter.closed:
            self._pipeline.exporter.redirect(sender, settings)
            return
        self._pipeline.exporter = Exporter(Delivery(SPANS, sender, settings, self._events), self._events)


_tollspan = Tollspan()


def init(  # noqa: PLR0913 - every setting is an argument, all but one by name
    service_name: str | None = None,
    *,
    service_version: str | None = None,
    environment: str | None = None,
    resource_attributes: Mapping[str, Any] | None = None,
    unit: UnitSource | None = None,
    parent_unit: UnitSource | None = None,
    sampler: Sampler | None = None,
    endpoint: str | None = None,
    client_id: str | Path | None = None,
    client_secret: str | Secret | Path | None = None,
    token_url: str | None = None,
    audience: str | None = None,
    scopes: Sequence[str] | None = None,
    api_key: str | Secret | Path | None = None,
    headers: Mapping[str, str] | None = None,
    allow_insecure: bool | None = None,
    certificate_file: str | None = None,
    client_certificate_file: str | None = None,
    client_key_file: str | None = None,
    compression: str | None = None,
    batch_items_max: int | None = None,
    queue_items_max: int | None = None,
    queue_bytes_max: int | None = None,
    export_interval_s: float | None = None,
    export_timeout_s: float | None = None,
    shutdown_timeout_s: float | None = None,
    strict: bool = False,
) -> Tollspan:
    """The spans of this process are recorded and, if there is an endpoint, delivered.

    Every argument is a setting, described in `tollspan.sdk.settings`; what is not given is
    taken from TOLLSPAN_* and OTEL_* variables. Makes no request. Never raises: each
    problem is one line in the log `tollspan`, and without a usable endpoint spans stay
    local. With `strict` a problem raises ConfigError and nothing is changed.

    A tracer provider that is set already is used, with its resource and sampler. Called
    again, the new settings replace the old ones for what waits and for what comes; when
    they name no endpoint the earlier destination stays.
    """
    arguments = {name: value for name, value in locals().items() if value is not None and name != "strict"}
    _tollspan.configure(arguments, os.environ, strict=strict)
    return _tollspan
