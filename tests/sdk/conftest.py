from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once

from helpers.otlp_peer import OTLPPeer, running_peer
from tollspan.sdk import configure, exporter


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TOLLSPAN_", "OTEL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def peer() -> Iterator[OTLPPeer]:
    with running_peer() as peer:
        yield peer


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`init` and OpenTelemetry's global tracer provider as they are in a new process."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    handle = configure.Tollspan()
    monkeypatch.setattr(configure, "_tollspan", handle)
    # Tests ask for what they wait for.
    monkeypatch.setattr(exporter, "FIRST_EXPORT_S", 3600)
    yield
    handle.shutdown(0)
