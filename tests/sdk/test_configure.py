from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

import tollspan
from helpers.otlp_peer import Answer, OTLPPeer, partial
from tollspan.errors import ConfigError
from tollspan.sdk.exporter import FlushResult

pytestmark = pytest.mark.usefixtures("fresh_process")

SECRET = "hunter2-do-not-show"


def _span(name: str) -> None:
    trace.get_tracer("tests").start_span(name).end()


def _texts(attributes: Any) -> dict[str, str]:
    pairs: list[KeyValue] = list(attributes)
    return {pair.key: pair.value.string_value for pair in pairs}


def _resource(peer: OTLPPeer, index: int = -1) -> dict[str, str]:
    return _texts(peer.exports[index].request.resource_spans[0].resource.attributes)


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "tollspan"]


def test_spans_arrive_over_oauth2_with_resource_and_unit(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    handle = tollspan.init(
        "shop",
        endpoint=peer.url,
        client_id="shop",
        client_secret=SECRET,
        service_version="1.2",
        environment="test",
        resource_attributes={"team": "checkout"},
    )
    with tollspan.unit("acme", parent="emea"):
        _span("work")
    assert handle.flush() == FlushResult(True, 1, 0, 0)
    resource = _resource(peer)
    assert resource["service.name"] == "shop"
    assert resource["service.version"] == "1.2"
    assert resource["deployment.environment.name"] == "test"
    assert resource["team"] == "checkout"
    assert resource["telemetry.distro.name"] == "tollspan"
    attributes = _texts(peer.exports[0].spans[0].attributes)
    assert attributes == {"tollspan.unit": "acme", "tollspan.parent_unit": "emea"}
    status = handle.status()
    assert (status.exporting, status.sent, status.queued, status.dropped) == (True, 1, 0, {})
    assert status.token is not None
    assert status.token.fetches == 1


def test_everything_may_come_from_the_environment(peer: OTLPPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TOLLSPAN_ENDPOINT": peer.url,
        "TOLLSPAN_API_KEY": "ts_key",
        "TOLLSPAN_UNIT": "acme",
        "OTEL_SERVICE_NAME": "standard",
        "OTEL_RESOURCE_ATTRIBUTES": "team=checkout",
    }.items():
        monkeypatch.setenv(name, value)
    handle = tollspan.init()
    _span("work")
    assert handle.flush().ok
    assert peer.exports[0].headers["authorization"] == "Bearer ts_key"
    assert _resource(peer)["service.name"] == "standard"
    assert _resource(peer)["team"] == "checkout"
    assert _texts(peer.exports[0].spans[0].attributes) == {"tollspan.unit": "acme"}


def test_without_an_endpoint_it_says_so_once_and_spans_work(caplog: pytest.LogCaptureFixture) -> None:
    handle = tollspan.init("shop")
    _span("work")
    assert trace.get_tracer("tests").start_span("work").is_recording()
    assert handle.flush() == handle.shutdown() == FlushResult(True, 0, 0, 0)
    assert handle.status().exporting is False
    assert _lines(caplog) == ["endpoint: is not set, so no telemetry is sent (set TOLLSPAN_ENDPOINT)"]


def test_init_makes_no_request(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url, client_id="shop", client_secret=SECRET)
    assert handle.shutdown() == FlushResult(True, 0, 0, 0)
    assert peer.paths == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"endpoint": 7},
        {"endpoint": "https://gate", "client_id": object(), "scopes": 5, "headers": 3, "sampler": 1},
        {"resource_attributes": {1: object(), "a": {"b": object()}}, "unit": 5, "parent_unit": []},
        {"endpoint": "socks5://proxy", "export_interval_s": "often", "batch_items_max": None},
        {"endpoint": "http://127.0.0.1:1", "certificate_file": "/nowhere", "compression": b"gzip"},
    ],
)
def test_init_never_raises_and_tracing_goes_on(arguments: dict[str, Any]) -> None:
    handle = tollspan.init(**arguments)
    _span("work")
    handle.shutdown(0)


def test_an_unforeseen_error_in_init_is_a_line_without_its_text(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("tollspan.sdk.configure.read_settings", broken)
    tollspan.init()
    assert _lines(caplog) == ["init failed, strict=True shows why: RuntimeError"]
    with pytest.raises(RuntimeError):
        tollspan.init(strict=True)


def test_strict_raises_the_first_problem_and_changes_nothing() -> None:
    with pytest.raises(ConfigError, match="TOLLSPAN_ENDPOINT"):
        tollspan.init("shop", strict=True)
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_a_second_init_reconfigures_in_place(peer: OTLPPeer, caplog: pytest.LogCaptureFixture) -> None:
    first = tollspan.init("first", endpoint=f"{peer.url}/old", export_interval_s=3600, unit="old")
    tracer = trace.get_tracer("tests")
    tracer.start_span("a").end()
    second = tollspan.init("second", endpoint=f"{peer.url}/new", sampler=ALWAYS_ON, unit="new")
    assert second is first
    tracer.start_span("b").end()
    assert second.flush() == FlushResult(True, 2, 0, 0)
    assert peer.paths == ["/new/v1/traces"]
    resources = peer.exports[0].request.resource_spans
    assert [_texts(resource.resource.attributes)["service.name"] for resource in resources] == [
        "first",
        "second",
    ]
    units = [_texts(span.attributes)["tollspan.unit"] for span in peer.exports[0].spans]
    assert units == ["old", "new"]
    assert _lines(caplog) == ["init was called again: the new settings apply"]


def test_a_second_init_without_a_destination_keeps_the_first(peer: OTLPPeer) -> None:
    tollspan.init("first", endpoint=peer.url)
    handle = tollspan.init("second")
    _span("a")
    assert handle.flush().ok
    assert _resource(peer)["service.name"] == "second"


def test_init_after_shutdown_starts_again(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url)
    handle.shutdown()
    _span("lost")
    assert handle.status().dropped == {"shutdown": 1}
    tollspan.init(endpoint=peer.url)
    _span("kept")
    assert handle.flush().ok
    assert peer.stored == {"kept": 1}


def test_spans_that_are_not_sampled_are_not_sent(peer: OTLPPeer) -> None:
    handle = tollspan.init(endpoint=peer.url, sampler=ALWAYS_OFF)
    _span("work")
    assert handle.flush() == FlushResult(True, 0, 0, 0)


def test_partial_success_is_counted_and_said(peer: OTLPPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.answers.append(partial(1, "no such dataset"))
    handle = tollspan.init(endpoint=peer.url)
    for name in "abc":
        _span(name)
    assert handle.flush().pending == 0
    assert (handle.status().sent, handle.status().rejected) == (2, 1)
    assert _lines(caplog) == [f"127.0.0.1:{peer.port} rejected 1 of a request: no such dataset"]
    assert handle.status().last_error is not None


def test_no_secret_is_logged_on_any_level(peer: OTLPPeer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    peer.answers.extend([Answer(401), Answer(401), Answer(503), Answer(400)])
    peer.token_answers.append(
        Answer(400, b'{"error": "invalid_client", "secret": "' + SECRET.encode() + b'"}')
    )
    for arguments in ({"api_key": f"{SECRET}\n\x00"}, {"client_id": "shop", "client_secret": SECRET}):
        handle = tollspan.init(endpoint=peer.url, **arguments)
        _span("work")
        handle.flush(0.2)
    handle.shutdown(0.2)
    shown = caplog.text + repr(handle.status())
    assert SECRET not in shown
    assert "access-token" not in shown


def test_importing_tollspan_loads_nothing_heavy_and_using_it_no_server_dependency() -> None:
    source = """
import sys, tollspan
assert not {"opentelemetry", "urllib3"} & sys.modules.keys()
tollspan.init()
heavy = {"grpc", "starlette", "chdb", "pyarrow", "yaml", "pydantic", "msgspec", "joserfc", "requests"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
assert "unit" in dir(tollspan)
"""
    environ = {**os.environ, "TOLLSPAN_ENDPOINT": "http://127.0.0.1:1"}
    subprocess.run([sys.executable, "-c", source], check=True, timeout=60, env=environ)


def test_the_end_of_a_with_block_is_a_shutdown(peer: OTLPPeer):
    with tollspan.init("shop", endpoint=peer.url) as telemetry, tollspan.span("work"):
        pass

    assert peer.stored == {"work": 1}
    assert telemetry.status().queued == 0
