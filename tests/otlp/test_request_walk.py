from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.otlp_strategies import REQUESTS, signal_requests, signal_wires
from helpers.rebuild import ENTRIES
from helpers.scrambled_wire import scramble
from tollspan.errors import WireError
from tollspan.otlp import _reshape
from tollspan.otlp._message import Message
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.request_walk import RESOURCE, Visitors, metric_data, rewrite
from tollspan.otlp.signals import Signal

BROKEN = b"\x2a\x7f"
"""A field that runs past its end."""
NAME = {Signal.TRACES: 5 << 3 | 2, Signal.METRICS: 1 << 3 | 2, Signal.LOGS: 3 << 3 | 2}


def keep_all(message: Message) -> bool:
    return True


def count(signal: Signal, wire: bytes) -> int:
    return _reshape.count(signal.value, wire)


@given(signal_wires())
def test_a_request_that_nobody_changes_is_the_same_object(case: tuple[Signal, bytes]) -> None:
    signal, wire = case
    visitors = Visitors(keep_all, keep_all, keep_all, keep_all)
    rewritten = rewrite(signal, wire, 7, visitors)
    assert rewritten.items == 7 or rewritten.wire is not wire
    assert count(signal, rewritten.wire) == count(signal, wire)
    assert rewritten.malformed == 0


def records(signal: Signal, request: Any) -> list[tuple[bytes, bytes]]:
    """Every record with the resource and scope that it stands under."""
    resource_entries, scope_entries, name = ENTRIES[signal]
    return [
        (
            entry.resource.SerializeToString() + scope_entry.scope.SerializeToString(),
            record.SerializeToString(),
        )
        for entry in getattr(request, resource_entries)
        for scope_entry in getattr(entry, scope_entries)
        for record in getattr(scope_entry, name)
    ]


@given(signal_requests(), st.randoms(use_true_random=False))
def test_dropping_records_is_what_protobuf_does(case: tuple[Signal, Any], random: Random) -> None:
    signal, request = case
    wire = scramble(request, random)
    decisions: list[bool] = []

    def visit(record: Message) -> bool:
        decisions.append(random.random() < 0.5)
        return decisions[-1]

    rewritten = rewrite(signal, wire, count(signal, wire), Visitors(record=visit))
    before = records(signal, REQUESTS[signal].FromString(wire))
    after = records(signal, REQUESTS[signal].FromString(rewritten.wire))
    assert after == [record for record, kept in zip(before, decisions, strict=True) if kept]
    assert rewritten.items == count(signal, rewritten.wire)


@given(signal_requests(), st.randoms(use_true_random=False))
def test_dropping_details_drops_metrics_that_have_none_left_and_no_span(
    case: tuple[Signal, Any], random: Random
) -> None:
    signal, request = case
    wire = scramble(request, random)
    rewritten = rewrite(signal, wire, count(signal, wire), Visitors(detail=lambda detail: False))
    after = REQUESTS[signal].FromString(rewritten.wire)
    assert rewritten.items == (0 if signal is Signal.METRICS else count(signal, wire))
    if signal is Signal.TRACES:
        spans = [s for e in after.resource_spans for se in e.scope_spans for s in se.spans]
        assert not any(span.events for span in spans)


@given(signal_requests(), st.randoms(use_true_random=False))
def test_an_edit_of_every_record_is_what_protobuf_does(case: tuple[Signal, Any], random: Random) -> None:
    signal, request = case
    wire = scramble(request, random)

    def rename(record: Message) -> bool:
        record.replace(NAME[signal], field_bytes(NAME[signal] >> 3, b"renamed"))
        return True

    rewritten = rewrite(signal, wire, count(signal, wire), Visitors(record=rename))
    resource_entries, scope_entries, name = ENTRIES[signal]
    expected = REQUESTS[signal].FromString(wire)
    for entry in getattr(expected, resource_entries):
        for scope_entry in getattr(entry, scope_entries):
            for record in getattr(scope_entry, name):
                setattr(record, "severity_text" if signal is Signal.LOGS else "name", "renamed")
    assert records(signal, REQUESTS[signal].FromString(rewritten.wire)) == records(signal, expected)


def test_parents_are_visited_before_their_children_and_dropped_ones_instead_of_them() -> None:
    span = field_bytes(2, field_bytes(11, b"") + field_bytes(11, b""))
    entry = field_bytes(1, field_bytes(2, span + span))
    seen: list[str] = []

    def visit(name: str, answer: bool = True) -> Any:
        return lambda message: seen.append(name) or answer

    rewrite(Signal.TRACES, entry, 2, Visitors(*map(visit, ("resource", "scope", "span", "event"))))
    assert seen == ["resource", "scope", *["span", "event", "event"] * 2]
    seen.clear()
    assert rewrite(Signal.TRACES, entry, 2, Visitors(visit("r", False), visit("s"))).wire == b""
    assert seen == ["r"]


def test_envelopes_of_which_nothing_is_left_go_and_empty_ones_stay() -> None:
    url = field_bytes(3, b"url")
    full = field_bytes(1, field_bytes(2, field_bytes(2, b"")) + url)
    empty = field_bytes(1, field_bytes(2, url) + url)
    rewritten = rewrite(Signal.LOGS, full + empty, 1, Visitors(record=lambda record: False))
    assert rewritten.wire == empty


def test_an_edit_of_a_resource_reaches_the_request() -> None:
    def edit(entry: Message) -> bool:
        entry.part(RESOURCE).set_attribute(1 << 3 | 2, b"k", b"")
        return True

    rewritten = rewrite(Signal.TRACES, field_bytes(1, b""), 0, Visitors(resource=edit))
    request = REQUESTS[Signal.TRACES].FromString(rewritten.wire)
    assert [a.key for a in request.resource_spans[0].resource.attributes] == ["k"]


@pytest.mark.parametrize("signal", Signal)
def test_an_item_that_cannot_be_read_costs_itself(signal: Signal) -> None:
    item = b"" if signal is not Signal.METRICS else field_bytes(5, field_bytes(1, b""))
    broken = BROKEN if signal is not Signal.METRICS else field_bytes(5, field_bytes(1, BROKEN))
    wire = field_bytes(1, field_bytes(2, field_bytes(2, item) + field_bytes(2, broken)))
    level = "detail" if signal is Signal.METRICS else "record"
    visitors = Visitors(**{level: lambda message: message.number(99 << 3) is None})
    rewritten = rewrite(signal, wire, 2, visitors)
    assert (rewritten.items, rewritten.malformed) == (1, 1)


def test_items_under_a_resource_that_cannot_be_read_are_counted() -> None:
    resource = field_bytes(1, BROKEN)
    wire = field_bytes(1, resource + field_bytes(2, field_bytes(2, b"") * 3))

    def visit(entry: Message) -> bool:
        return bool(entry.part(RESOURCE).attributes(1 << 3 | 2))

    rewritten = rewrite(Signal.TRACES, wire, 3, Visitors(resource=visit))
    assert (rewritten.wire, rewritten.items, rewritten.malformed) == (b"", 0, 3)


def test_a_metric_whose_record_cannot_be_read_costs_its_points() -> None:
    metric = field_bytes(5, field_bytes(1, b"") * 2) + field_bytes(12, BROKEN)
    wire = field_bytes(1, field_bytes(2, field_bytes(2, metric)))
    visitors = Visitors(record=lambda metric: bool(metric.attributes(12 << 3 | 2)))
    rewritten = rewrite(Signal.METRICS, wire, 2, visitors)
    assert (rewritten.items, rewritten.malformed) == (0, 2)


def test_framing_that_is_broken_on_the_way_down_is_refused() -> None:
    with pytest.raises(WireError):
        rewrite(Signal.TRACES, field_bytes(1, b"\x12\x7f"), 0, Visitors(record=keep_all))


def test_a_metric_has_the_data_that_is_set_last() -> None:
    metric = Message(field_bytes(5, b"") + field_bytes(7, field_bytes(1, b"")))
    data = metric_data(metric)
    assert data is not None
    assert data.wire == field_bytes(1, b"")
    assert metric_data(Message(b"")) is None
