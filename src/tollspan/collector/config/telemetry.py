"""What can be set at `service::telemetry`: the collector's own log and metrics."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import structlog

from tollspan.collector.config.values import Endpoint, Parsed
from tollspan.errors import ConfigError

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}

_log = structlog.get_logger()


def parse_level(value: object) -> int:
    """The number of a log level such as `info` or `WARN`."""
    level = _LEVELS.get(value.lower()) if isinstance(value, str) else None
    if level is None:
        raise ValueError(f"{value!r} is not a log level; known: {', '.join(_LEVELS)}")
    return level


class LogsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`logs`. Without an `encoding` a terminal gets text and everything else JSON lines."""

    level: Annotated[int, Parsed(parse_level)] = logging.INFO
    encoding: Literal["console", "json"] | None = None
    initial_fields: dict[str, Any] = {}


class PrometheusConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A page in Prometheus's text format."""

    host: str = "localhost"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8888


class PullExporterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How a reader shows metrics."""

    prometheus: PrometheusConfig


class PullConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A reader that others ask."""

    exporter: PullExporterConfig


class ReaderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One of `readers`."""

    pull: PullConfig


class MetricsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`metrics`. `address` is how older configurations name the page; it goes before `readers`."""

    level: Literal["none", "basic", "normal", "detailed"] = "normal"
    readers: list[ReaderConfig] = []
    address: Endpoint | None = None

    def problems(self) -> Iterator[ConfigError]:
        """Nothing is wrong that the types do not show; a key that the Collector dropped is told."""
        if self.address is not None:
            _log.warning(
                "config_key_is_old",
                key="service::telemetry::metrics::address",
                use="service::telemetry::metrics::readers",
            )
        yield from ()

    def endpoints(self) -> tuple[str, ...] | None:
        """Where the page is served; None when nothing is said about that."""
        if self.level == "none":
            return ()
        if self.address is not None:
            return (self.address,)
        pages = (reader.pull.exporter.prometheus for reader in self.readers)
        return tuple(f"{page.host}:{page.port}" for page in pages) or None


class TelemetryConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`service::telemetry`; the attributes of `resource` are the labels of `target_info`."""

    logs: LogsConfig = LogsConfig()
    metrics: MetricsConfig = MetricsConfig()
    resource: dict[str, Any] = {}
