"""The SDK and OpenTelemetry's global providers as they are in a new process."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry import trace
from opentelemetry._logs import _internal as logs_api
from opentelemetry.metrics import _internal as metrics_api
from opentelemetry.util._once import Once

from tollspan.sdk import configure, exporter


@contextmanager
def fresh_sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is set and nobody called `init`; at the end all threads of the SDK have ended."""
    for name in os.environ:
        if name.startswith(("TOLLSPAN_", "OTEL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(metrics_api, "_METER_PROVIDER", None)
    monkeypatch.setattr(metrics_api, "_METER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(metrics_api, "_PROXY_METER_PROVIDER", metrics_api._ProxyMeterProvider())
    monkeypatch.setattr(logs_api, "_LOGGER_PROVIDER", None)
    monkeypatch.setattr(logs_api, "_LOGGER_PROVIDER_SET_ONCE", Once())
    handle = configure.Tollspan()
    monkeypatch.setattr(configure, "_tollspan", handle)
    # Tests ask for what they wait for.
    monkeypatch.setattr(exporter, "FIRST_EXPORT_S", 3600)
    # What is instrumented stays so, for the tests that follow.
    monkeypatch.setenv("TOLLSPAN_INSTRUMENT", "false")
    level = logging.root.level
    try:
        yield
    finally:
        handle.shutdown(0)
        logging.root.removeHandler(handle._log_handler)
        logging.root.setLevel(level)
