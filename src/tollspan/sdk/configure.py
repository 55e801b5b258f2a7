"""`tollspan.init`: settings to a running SDK, and the handle to it.

Nothing here touches the network, and nothing raises unless `strict` asks for it. A
process has one SDK; initialising again changes it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from opentelemetry.sdk.trace.sampling import Sampler

from tollspan.errors import ConfigError
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.token_source import TokenSource
from tollspan.otlp.signals import Signal
from tollspan.sdk import log_handler
from tollspan.sdk.attribution import Attribution
from tollspan.sdk.doctor.finding import Finding
from tollspan.sdk.events import Events
from tollspan.sdk.exporter import FlushResult
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.instrumentation import Instrumentations
from tollspan.sdk.log_handler import LogHandler
from tollspan.sdk.pipelines import Pipelines
from tollspan.sdk.process import Process
from tollspan.sdk.setting_values import UnitSource
from tollspan.sdk.settings import Settings, read_settings
from tollspan.sdk.status import Status
from tollspan.sdk.token_fetch import TokenFetch
from tollspan.sdk.unit_propagation import UnitPropagator
from tollspan.sdk.uwsgi import watch_uwsgi


class Tollspan:
    """The SDK of this process, as `init` returns it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events = Events()
        self._attribution = Attribution(self._events)
        self._unit_propagator = UnitPropagator()
        self._instrumentations = Instrumentations(self._events)
        self._pipelines = Pipelines(self._attribution, self._events)
        self._log_handler = LogHandler(self._events)
        self._process = Process(self.shutdown, self._after_fork)
        self._configured = False
        self._arguments: Mapping[str, Any] = {}
        self._token_source: TokenSource | None = None

    def configure(self, arguments: Mapping[str, Any], environ: Mapping[str, str], *, strict: bool) -> None:
        """The SDK works by these settings; see `init`, which calls this."""
        try:
            settings, problems = _read_all(arguments, environ)
            if strict and problems:
                raise problems[0]
            for problem in problems:
                self._events.misconfigured(problem)
            with self._lock:
                self._arguments = arguments
                self._apply(settings)
        except Exception as error:
            if strict:
                raise
            # The text of an error that nobody foresaw may quote a setting.
            kind = type(error).__name__
            self._events.notice("init_failed", f"init failed, strict=True shows why: {kind}")

    def flush(self, timeout_s: float = 5.0) -> FlushResult:
        """Whatever has ended by now is delivered, as far as `timeout_s` allows."""
        return self._pipelines.flush(timeout_s)

    def shutdown(self, timeout_s: float | None = None) -> FlushResult:
        """Whatever has ended is delivered, or dropped after `timeout_s` (default `shutdown_timeout_s`)."""
        return self._pipelines.shutdown(self._process.end_timeout_s if timeout_s is None else timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """As `shutdown`."""
        self.shutdown()

    def status(self) -> Status:
        """The state at this instant; holds no secret."""
        return Status(
            signals=self._pipelines.status(),
            last_error=self._events.last_error,
            events=dict(self._events.counts),
            token=None if self._token_source is None else self._token_source.status(),
            instrumentations=self._instrumentations.states,
        )

    def diagnose(self) -> list[Finding]:
        """What `tollspan doctor` finds, with the arguments of `init`, and what was recorded by now.

        Asks token endpoint and destination, and sends a test span. Prints as lines, without secrets.
        """
        from tollspan.sdk.doctor.examination import examine  # noqa: PLC0415 - no start is to wait for these
        from tollspan.sdk.doctor.recorded_check import check_recorded  # noqa: PLC0415

        status = self.status()
        metrics = self._pipelines.metrics
        findings = check_recorded(status, [] if metrics is None else metrics.instruments())
        return [*findings, *examine(self._arguments, os.environ, status.instrumentations)]

    def _apply(self, settings: Mapping[Signal, Settings]) -> None:
        common = settings[Signal.TRACES]
        connected = {signal: found for signal, found in settings.items() if found.url is not None}
        if self._configured:
            stays = "" if connected else ", but the destination stays"
            self._events.notice("reconfigured", f"init was called again: the new settings apply{stays}")
        else:
            self._configured = True
            watch_uwsgi(self._process.after_fork, self._events)
        self._process.end_timeout_s = common.shutdown_timeout_s
        self._attribution.use(common.unit, common.parent_unit, trusts_callers=common.unit_from_callers)
        self._unit_propagator.use(common.propagate_unit_to, trusts_callers=common.unit_from_callers)
        self._pipelines.attach(common)
        if Signal.LOGS.value in common.signals and "logging" not in common.disable:
            log_handler.install(self._log_handler, common.log_level)
        if common.instrument:
            self._instrumentations.activate(common.disable)
        self._connect(connected)
        # After the providers, so that the hooks of theirs for a forked child run before ours.
        self._process.watch()
        self._process.watch_sigterm(common.flush_on_signal)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        if self._token_source is not None:
            self._token_source.after_fork()
        self._pipelines.after_fork()

    def _connect(self, settings: Mapping[Signal, Settings]) -> None:
        """What waits and what comes goes where `settings` say, with access tokens from one source."""
        if not settings:
            return
        first = next(iter(settings.values()))
        self._token_source = (
            None if first.client_id is None else TokenSource(TokenFetch(first, HTTPTransport(first)))
        )
        for signal, found in settings.items():
            self._pipelines.connect(signal, found, self._token_source)


def _read_all(
    arguments: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[dict[Signal, Settings], list[ConfigError]]:
    """The settings of each signal, and each problem with them once."""
    read = {signal: read_settings(arguments, environ, signal) for signal in Signal}
    problems = {str(problem): problem for _, found in read.values() for problem in found}
    return {signal: settings for signal, (settings, _) in read.items()}, list(problems.values())


_tollspan = Tollspan()


def init(  # noqa: PLR0913 - every setting is an argument, all but one by name
    service_name: str | None = None,
    *,
    service_version: str | None = None,
    environment: str | None = None,
    resource_attributes: Mapping[str, Any] | None = None,
    unit: UnitSource | None = None,
    parent_unit: UnitSource | None = None,
    metric_units: bool | None = None,
    propagate_unit_to: Sequence[str] | None = None,
    unit_from_callers: bool | None = None,
    sampler: Sampler | None = None,
    signals: Sequence[str] | None = None,
    log_level: str | int | None = None,
    sample_rate: float | None = None,
    scrub: bool | None = None,
    scrub_names: Sequence[str] | None = None,
    console: bool | None = None,
    instrument: bool | None = None,
    disable: Sequence[str] | None = None,
    destination: str | None = None,
    dataset: str | Mapping[str, str] | None = None,
    endpoint: str | None = None,
    client_id: str | Path | None = None,
    client_secret: str | Secret | Path | None = None,
    private_key_file: str | None = None,
    private_key_id: str | None = None,
    assertion_audience: str | None = None,
    auth_method: str | None = None,
    token_url: str | None = None,
    audience: str | None = None,
    scopes: Sequence[str] | None = None,
    token_parameters: Mapping[str, str] | None = None,
    api_key: str | Secret | Path | None = None,
    api_key_header: str | None = None,
    headers: Mapping[str, str] | None = None,
    allow_insecure: bool | None = None,
    certificate_file: str | None = None,
    client_certificate_file: str | None = None,
    client_key_file: str | None = None,
    protocol: str | None = None,
    compression: str | None = None,
    batch_items_max: int | None = None,
    queue_items_max: int | None = None,
    queue_bytes_max: int | None = None,
    spool: str | Path | None = None,
    spool_bytes_max: int | None = None,
    metric_interval_s: float | None = None,
    metric_temporality: str | None = None,
    metric_histograms: str | None = None,
    export_interval_s: float | None = None,
    export_timeout_s: float | None = None,
    shutdown_timeout_s: float | None = None,
    flush_on_signal: bool | None = None,
    strict: bool = False,
) -> Tollspan:
    """The spans of this process are recorded and, if there is an endpoint, delivered.

    Every argument is a setting, described in `tollspan.sdk.settings`; what is not given is
    taken from TOLLSPAN_* variables, those of the destination and OTEL_*. Makes no request. Never raises: each
    problem is one line in the log `tollspan`, and without a usable endpoint spans stay
    local. With `strict` a problem raises ConfigError and nothing is changed.

    A tracer provider that is set already is used, with its resource and sampler. Called
    again, the new settings replace the old ones for what waits and for what comes; when
    they name no endpoint the earlier destination stays.
    """
    arguments = {name: value for name, value in locals().items() if value is not None and name != "strict"}
    _tollspan.configure(arguments, os.environ, strict=strict)
    return _tollspan


def flush(timeout_s: float = 5.0) -> FlushResult:
    """Whatever has ended by now is delivered, as far as `timeout_s` allows."""
    return _tollspan.flush(timeout_s)
