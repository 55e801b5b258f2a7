"""`init` and the global logger provider: ours, or one that was set before."""

from __future__ import annotations

import pytest
from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource

import tollspan
from helpers.otlp_peer import OTLPPeer

pytestmark = pytest.mark.usefixtures("fresh_process")


def _log(body: str) -> None:
    _logs.get_logger("tests").emit(body=body)


def _services(peer: OTLPPeer) -> list[str]:
    resources = [resource for export in peer.log_exports for resource in export.request.resource_logs]
    pairs = [pair for resource in resources for pair in resource.resource.attributes]
    return [pair.value.string_value for pair in pairs if pair.key == "service.name"]


def test_log_records_arrive_with_resource_and_unit(peer: OTLPPeer) -> None:
    handle = tollspan.init("shop", endpoint=peer.url)
    with tollspan.unit("acme", parent="emea"):
        _logs.get_logger("tests").emit(body="paid", attributes={"tollspan.parent_unit": "mine"})
    assert handle.flush().sent == 1
    (record,) = peer.log_exports[0].log_records
    attributes = {pair.key: pair.value.string_value for pair in record.attributes}
    assert attributes == {"tollspan.unit": "acme", "tollspan.parent_unit": "mine"}
    assert _services(peer) == ["shop"]
    assert handle.status().signals["logs"].sent == 1


def test_a_logger_made_before_init_is_heard_and_one_in_use_follows_a_second_init(peer: OTLPPeer) -> None:
    early = _logs.get_logger("early")
    handle = tollspan.init("first", endpoint=peer.url)
    early.emit(body="a")
    tollspan.init("second", endpoint=peer.url)
    early.emit(body="b")
    assert handle.flush().ok
    assert peer.logged == {"a": 1, "b": 1}
    assert _services(peer) == ["first", "second"]


def test_beside_a_foreign_provider_the_pipeline_works_with_its_resource(
    peer: OTLPPeer, caplog: pytest.LogCaptureFixture
) -> None:
    provider = LoggerProvider(Resource({"service.name": "theirs"}), shutdown_on_exit=False)
    _logs.set_logger_provider(provider)
    handle = tollspan.init("ours", endpoint=peer.url, unit="fixed")
    tollspan.init("ours", endpoint=peer.url)
    _log("a")
    assert provider.force_flush()
    assert peer.logged == {"a": 1}
    assert _services(peer) == ["theirs"]
    assert handle.status().events["logs_attached"] == 1
    assert "using the logger provider that is set, with its resource" in caplog.text
    provider.shutdown()
    assert handle.status().signals["logs"].exporting is False


def test_a_provider_that_takes_no_processors_is_said(caplog: pytest.LogCaptureFixture) -> None:
    _logs.set_logger_provider(_logs.NoOpLoggerProvider())
    tollspan.init()
    assert "a logger provider is set that takes no processors: NoOpLoggerProvider" in caplog.text
