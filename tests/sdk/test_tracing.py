"""`init` and the global tracer provider: ours, or one that was set before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

import tollspan
from helpers.otlp_peer import OTLPPeer
from tollspan.sdk.tracing import ReconfigurableTracerProvider

pytestmark = pytest.mark.usefixtures("fresh_process")


def _span(name: str) -> None:
    trace.get_tracer("tests").start_span(name).end()


def _texts(attributes: Any) -> dict[str, str]:
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: pair.value.string_value for pair in pairs}


def _resource(peer: OTLPPeer, index: int = -1) -> dict[str, str]:
    return _texts(peer.exports[index].request.resource_spans[0].resource.attributes)


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "tollspan"]


def test_a_second_init_may_change_the_sampler_and_back(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url, sampler=ALWAYS_OFF)
    _span("unseen")
    tollspan.init(endpoint=peer.url)
    _span("seen")
    assert handle.flush().ok
    assert peer.stored == {"seen": 1}


@pytest.fixture
def foreign_provider(fresh_process: None) -> Iterator[TracerProvider]:
    provider = TracerProvider(resource=Resource({"service.name": "theirs"}), shutdown_on_exit=False)
    trace.set_tracer_provider(provider)
    yield provider
    provider.shutdown()


def test_beside_a_foreign_provider_the_whole_pipeline_works(
    peer: OTLPPeer, foreign_provider: TracerProvider, caplog: pytest.LogCaptureFixture
) -> None:
    handle = tollspan.init("ours", endpoint=peer.url, unit="fixed")
    tollspan.init("ours", endpoint=peer.url, parent_unit="emea")
    assert trace.get_tracer_provider() is foreign_provider
    with tollspan.unit("acme"):
        _span("work")
    assert foreign_provider.force_flush()
    assert _resource(peer)["service.name"] == "theirs"
    attributes = _texts(peer.exports[0].spans[0].attributes)
    assert attributes == {"tollspan.unit": "acme", "tollspan.parent_unit": "emea"}
    assert handle.status().sent == 1
    assert _lines(caplog)[0] == "using the tracer provider that is set, with its resource and sampler"


def test_a_foreign_provider_that_shuts_down_delivers_what_waits(
    peer: OTLPPeer, foreign_provider: TracerProvider
) -> None:
    tollspan.init(endpoint=peer.url, export_interval_s=3600)
    _span("work")
    foreign_provider.shutdown()
    assert peer.stored == {"work": 1}


def test_a_provider_without_processors_is_one_clear_line(
    peer: OTLPPeer, caplog: pytest.LogCaptureFixture
) -> None:
    trace.set_tracer_provider(trace.NoOpTracerProvider())
    handle = tollspan.init(endpoint=peer.url)
    _span("work")
    assert handle.flush().ok
    assert _lines(caplog) == ["a tracer provider is set that takes no span processors: NoOpTracerProvider"]


def test_tracers_in_use_take_a_new_resource_and_sampler() -> None:
    provider = ReconfigurableTracerProvider(Resource({"service.name": "old"}), ALWAYS_ON)
    tracer = provider.get_tracer("tests")
    provider.reconfigure(Resource({"service.name": "new"}), None)
    span = tracer.start_span("work")
    assert span.resource.attributes["service.name"] == "new"  # type: ignore[attr-defined]  # an SDK span
    provider.reconfigure(Resource({}), ALWAYS_OFF)
    assert not tracer.start_span("work").is_recording()
    assert provider.get_tracer("others").start_span("work").is_recording() is False
