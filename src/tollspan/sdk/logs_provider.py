"""Where the log records of this process come from: a logger provider of ours, or one that was there."""

from __future__ import annotations

import weakref

from opentelemetry import _logs
from opentelemetry._logs._internal import ProxyLoggerProvider
from opentelemetry.sdk._logs import Logger, LoggerProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import Attributes

from tollspan.sdk.events import Events
from tollspan.sdk.logs import LogPipeline


class ReconfigurableLoggerProvider(LoggerProvider):
    """A logger provider whose resource can change, also for loggers that are in use."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource=resource, shutdown_on_exit=False)
        self._issued: weakref.WeakSet[Logger] = weakref.WeakSet()

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> _logs.Logger:
        """A logger, as `LoggerProvider` makes it."""
        logger = super().get_logger(name, version, schema_url, attributes)
        if isinstance(logger, Logger):
            self._issued.add(logger)
        return logger

    def reconfigure(self, resource: Resource) -> None:
        """Records that are emitted from now on are of `resource`."""
        self._resource = resource
        for logger in list(self._issued):
            logger._resource = resource  # noqa: SLF001 - has no setter before 1.44


class LogsProvider:
    """Brings the records of the global logger provider to `pipeline`."""

    def __init__(self, pipeline: LogPipeline, events: Events) -> None:
        self._pipeline = pipeline
        self._events = events
        self._attached: _logs.LoggerProvider | None = None

    def attach(self, resource: Resource) -> None:
        """Records are of `resource`, unless a provider of somebody else's is set."""
        provider = _logs.get_logger_provider()
        if isinstance(provider, ReconfigurableLoggerProvider) and provider is self._attached:
            provider.reconfigure(resource)
        elif isinstance(provider, ProxyLoggerProvider):
            self._attached = own = ReconfigurableLoggerProvider(resource)
            own.add_log_record_processor(self._pipeline)
            _logs.set_logger_provider(own)
        elif not isinstance(provider, LoggerProvider):
            kind = type(provider).__name__
            self._events.notice("no_logs", f"a logger provider is set that takes no processors: {kind}")
        elif provider is not self._attached:
            provider.add_log_record_processor(self._pipeline)
            self._attached = provider
            self._events.notice("logs_attached", "using the logger provider that is set, with its resource")
