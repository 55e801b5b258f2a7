"""Two services with real headers between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import tollspan

pytestmark = pytest.mark.usefixtures("fresh_process")


@pytest.fixture(autouse=True)
def standard_propagators(fresh_process: None) -> Iterator[None]:
    present = propagate.get_global_textmap()
    propagate.set_global_textmap(
        CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
    )
    yield
    propagate.set_global_textmap(present)


def _headers(context: Context | None = None, **attributes: str) -> dict[str, str]:
    """What an instrumented HTTP client sends."""
    found = {name.replace("_", "."): value for name, value in attributes.items()}
    headers: dict[str, str] = {}
    tracer = trace.get_tracer("tests")
    with tracer.start_as_current_span("GET", context, SpanKind.CLIENT, attributes=found):
        propagate.inject(headers)
    return headers


def _server_span(headers: dict[str, str]) -> dict[str, Any]:
    """The attributes of what an instrumented server records."""
    span: Any = trace.get_tracer("tests").start_span("GET", propagate.extract(headers, Context()))
    span.end()
    return dict(span.attributes)


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"server_address": "shop.internal"}, True),
        ({"url_full": "https://Shop.internal:8443/orders"}, True),
        ({"net_peer_name": "api.example.com"}, True),
        ({"http_url": "http://api.example.com/"}, True),
        ({"server_address": "api.example.com.evil.org"}, False),
        ({"server_address": "example.com"}, False),
        ({"url_full": "https://evil.org/?shop.internal"}, False),
        ({}, False),
    ],
)
def test_only_named_hosts_are_told_the_unit(attributes: dict[str, str], told: bool) -> None:
    tollspan.init(propagate_unit_to=["*.internal", "api.example.com"])
    with tollspan.unit("acme inc", parent="emea"):
        headers = _headers(**attributes)
    assert "traceparent" in headers
    expected = "tollspan.unit=acme+inc,tollspan.parent_unit=emea" if told else None
    assert headers.get("baggage") == expected


def test_other_baggage_travels_as_before() -> None:
    tollspan.init(propagate_unit_to=["shop.internal"])
    token = attach(baggage.set_baggage("theirs", "1"))
    try:
        with tollspan.unit("acme"):
            assert _headers(server_address="elsewhere")["baggage"] == "theirs=1"
            assert _headers(server_address="shop.internal")["baggage"] == "theirs=1,tollspan.unit=acme"
    finally:
        detach(token)


def test_where_baggage_is_off_nothing_else_of_it_is_sent() -> None:
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    tollspan.init(propagate_unit_to=["shop.internal"])
    token = attach(baggage.set_baggage("theirs", "1"))
    try:
        with tollspan.unit("acme"):
            assert _headers(server_address="shop.internal")["baggage"] == "tollspan.unit=acme"
    finally:
        detach(token)


def test_a_trusted_caller_names_the_unit_of_all_that_follows_and_the_code_goes_first() -> None:
    tollspan.init(unit_from_callers=True, unit="mine", parent_unit=lambda: "asked")
    headers = {"baggage": "tollspan.unit=acme,tollspan.parent_unit=emea,theirs=1"}
    assert _server_span(headers) == {"tollspan.unit": "acme", "tollspan.parent_unit": "emea"}
    assert _server_span({}) == {"tollspan.unit": "mine", "tollspan.parent_unit": "asked"}
    with tollspan.unit("code", parent="own"):
        assert _server_span(headers) == {"tollspan.unit": "code", "tollspan.parent_unit": "own"}


@pytest.mark.parametrize("trusted", [True, False])
def test_a_callers_unit_is_told_to_nobody_by_itself(trusted: bool) -> None:
    tollspan.init(unit_from_callers=trusted, propagate_unit_to=["shop.internal"])
    context = propagate.extract({"baggage": "tollspan.unit=acme,theirs=1"}, Context())
    assert _headers(context, server_address="elsewhere").get("baggage", "") == ""
    token = attach(context)
    try:
        assert _headers(server_address="elsewhere")["baggage"] == "theirs=1"
        told = "theirs=1,tollspan.unit=acme" if trusted else "theirs=1"
        assert _headers(server_address="shop.internal")["baggage"] == told
    finally:
        detach(token)


def test_callers_are_not_trusted_and_nobody_is_told_unless_set() -> None:
    present = propagate.get_global_textmap()
    tollspan.init()
    assert propagate.get_global_textmap() is present
    assert _server_span({"baggage": "tollspan.unit=acme"}) == {}


def test_a_second_init_changes_the_hosts_and_installs_nothing_twice() -> None:
    tollspan.init(propagate_unit_to=["shop.internal"])
    installed = propagate.get_global_textmap()
    tollspan.init(propagate_unit_to=["other.internal"])
    assert propagate.get_global_textmap() is installed
    with tollspan.unit("acme"):
        assert "baggage" not in _headers(server_address="shop.internal")
        assert "baggage" in _headers(server_address="other.internal")
    assert "baggage" in installed.fields
