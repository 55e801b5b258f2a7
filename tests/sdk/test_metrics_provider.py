"""`init` and the global meter provider: ours, or one that was set before."""

from __future__ import annotations

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

import tollspan
from helpers.otlp_peer import OTLPPeer

pytestmark = pytest.mark.usefixtures("fresh_process")


def _services(peer: OTLPPeer) -> list[str]:
    resources = [resource for export in peer.metric_exports for resource in export.request.resource_metrics]
    pairs = [pair for resource in resources for pair in resource.resource.attributes]
    return [pair.value.string_value for pair in pairs if pair.key == "service.name"]


def test_an_instrument_made_before_init_is_heard_and_follows_a_second_init(peer: OTLPPeer) -> None:
    counter = metrics.get_meter("tests").create_counter("orders")
    handle = tollspan.init("first", endpoint=peer.url)
    counter.add(1)
    assert handle.flush().sent == 1
    tollspan.init("second", endpoint=peer.url)
    counter.add(1)
    assert handle.flush().ok
    assert _services(peer) == ["first", "second"]
    assert [metric.sum.data_points[0].as_int for metric in peer.measured["orders"]] == [1, 2]
    assert handle.status().signals["metrics"].sent == 2


def test_units_are_measured_only_when_wanted(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url, metric_temporality="delta")
    counter = metrics.get_meter("tests").create_counter("orders")
    with tollspan.unit("acme", parent="emea"):
        counter.add(1)
        assert handle.flush().ok
        tollspan.init(endpoint=peer.url, metric_units=True)
        counter.add(2, {"tollspan.parent_unit": "mine"})
        assert handle.flush().ok
    first, second = (metric.sum.data_points[0] for metric in peer.measured["orders"])
    assert list(first.attributes) == []
    attributes = {pair.key: pair.value.string_value for pair in second.attributes}
    assert attributes == {"tollspan.unit": "acme", "tollspan.parent_unit": "mine"}


@pytest.mark.skipif(not hasattr(MeterProvider, "add_metric_reader"), reason="needs opentelemetry-sdk 1.43")
def test_beside_a_foreign_provider_the_pipeline_works_with_its_resource(
    peer: OTLPPeer, caplog: pytest.LogCaptureFixture
) -> None:
    provider = MeterProvider(resource=Resource({"service.name": "theirs"}), shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    handle = tollspan.init("ours", endpoint=peer.url)
    tollspan.init("ours", endpoint=peer.url)
    metrics.get_meter("tests").create_counter("orders").add(1)
    assert handle.flush().sent == 1
    assert _services(peer) == ["theirs"]
    assert "using the meter provider that is set, with its resource" in caplog.text


@pytest.mark.skipif(not hasattr(MeterProvider, "add_metric_reader"), reason="needs opentelemetry-sdk 1.43")
def test_units_of_a_foreign_provider_are_measured_for_us_alone(peer: OTLPPeer) -> None:
    theirs = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([theirs], shutdown_on_exit=False))
    handle = tollspan.init(endpoint=peer.url, metric_units=True)
    meter = metrics.get_meter("tests")
    meter.create_observable_gauge("open", [lambda _: [metrics.Observation(1)]])
    with tollspan.unit("acme"):
        meter.create_counter("orders").add(1)
        assert handle.flush().ok
    (ours,), (observed,) = peer.measured["orders"], peer.measured["open"]
    assert list(observed.gauge.data_points[0].attributes) == []
    assert [pair.key for pair in ours.sum.data_points[0].attributes] == ["tollspan.unit"]
    assert "acme" not in theirs.get_metrics_data().to_json()


def test_a_provider_that_takes_no_more_readers_is_said(caplog: pytest.LogCaptureFixture) -> None:
    metrics.set_meter_provider(metrics.NoOpMeterProvider())
    tollspan.init()
    assert "a meter provider is set that takes no more readers: NoOpMeterProvider" in caplog.text
