from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from helpers.otlp_strategies import REQUESTS, signal_requests, signal_wires
from helpers.rebuild import ENTRIES, items
from helpers.scrambled_wire import scramble
from tollspan.errors import LimitError, WireError
from tollspan.otlp import _decode, _reshape
from tollspan.otlp.batch import Batch, merge
from tollspan.otlp.protobuf import field_bytes, field_varint
from tollspan.otlp.signals import Signal

limits = st.integers(1, 4)


def read(signal: Signal, wire: bytes) -> Any:
    return REQUESTS[signal].FromString(wire)


def item_wires(signal: Signal, wire: bytes) -> list[bytes]:
    return [item.SerializeToString() for item in items(signal, read(signal, wire))]


@given(signal_requests(), st.randoms(use_true_random=False))
def test_counting_finds_every_item(case: tuple[Signal, Any], random: Random) -> None:
    signal, request = case
    assert _reshape.count(signal.value, request.SerializeToString()) == len(items(signal, request))
    wire = scramble(request, random)
    assert _reshape.count(signal.value, wire) == len(items(signal, read(signal, wire)))


@given(signal_requests(), limits, st.randoms(use_true_random=False))
def test_split_parts_hold_the_same_items_in_order_and_never_too_many(
    case: tuple[Signal, Any], items_max: int, random: Random
) -> None:
    signal, request = case
    wire = scramble(request, random)
    parts = _reshape.split(signal.value, wire, items_max)
    counts = [_reshape.count(signal.value, part) for part in parts]
    assert [item for part in parts for item in item_wires(signal, part)] == item_wires(signal, wire)
    assert all(count == items_max for count in counts[:-1])
    assert counts[-1] <= items_max


@given(signal_requests(), limits)
def test_merging_the_parts_of_a_split_gives_back_the_items(case: tuple[Signal, Any], items_max: int) -> None:
    signal, request = case
    wire = request.SerializeToString()
    parts = [
        Batch(signal, part, _reshape.count(signal.value, part))
        for part in _reshape.split(signal.value, wire, items_max)
    ]
    merged = merge(parts)
    assert merged.items == _reshape.count(signal.value, wire)
    assert item_wires(signal, merged.wire) == item_wires(signal, wire)


@given(signal_requests(), limits)
def test_every_item_keeps_its_envelopes(case: tuple[Signal, Any], items_max: int) -> None:
    signal, request = case
    wire = request.SerializeToString()
    parts = _reshape.split(signal.value, wire, items_max)
    assert [e for part in parts for e in envelopes(signal, read(signal, part))] == envelopes(signal, request)


def envelopes(signal: Signal, request: Any) -> list[bytes]:
    """For each item, everything above it: resource, scope, schema URLs and, for a data point, its metric."""
    resource_entries, scope_entries, name = ENTRIES[signal]
    found = []
    for entry in getattr(request, resource_entries):
        for scope_entry in getattr(entry, scope_entries):
            above = entry.resource.SerializeToString() + scope_entry.scope.SerializeToString()
            above += f"{entry.schema_url} {scope_entry.schema_url}".encode()
            for item in getattr(scope_entry, name):
                if signal is not Signal.METRICS:
                    found.append(above)
                elif item.WhichOneof("data"):
                    header = type(item)()
                    header.CopyFrom(item)
                    points = len(getattr(item, item.WhichOneof("data")).data_points)
                    del getattr(header, item.WhichOneof("data")).data_points[:]
                    found += [above + header.SerializeToString()] * points
    return found


@given(signal_wires(), st.data())
def test_broken_bytes_are_counted_and_split_or_refused(
    case: tuple[Signal, bytes], data: st.DataObject
) -> None:
    signal, wire = case
    broken = bytearray(wire or b"\x0a")
    bit = data.draw(st.integers(0, 8 * len(broken) - 1))
    broken[bit // 8] ^= 1 << bit % 8
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)))])
    assert items_of_parts(signal, cut) == counted(signal, cut)


def counted(signal: Signal, wire: bytes) -> int | None:
    try:
        return _reshape.count(signal.value, wire)
    except WireError:
        return None


def items_of_parts(signal: Signal, wire: bytes) -> int | None:
    try:
        return sum(_reshape.count(signal.value, part) for part in _reshape.split(signal.value, wire, 1))
    except WireError:
        return None


@given(signal_wires())
def test_a_decode_accounts_for_every_counted_item(case: tuple[Signal, bytes]) -> None:
    signal, wire = case
    decoded = _decode.decode(signal.value, wire)
    assert decoded.items + decoded.rejected == _reshape.count(signal.value, wire)


def test_a_request_that_is_small_enough_is_left_alone() -> None:
    wire = field_bytes(1, b"") + field_varint(99, 1)
    assert _reshape.split("traces", wire, 1) == [wire]


def test_a_part_holds_at_least_one_item() -> None:
    with pytest.raises(ValueError, match="at least one"):
        _reshape.split("traces", b"", 0)


def test_fields_of_later_versions_are_repeated_with_their_envelope() -> None:
    later = field_bytes(99, b"later")
    scope_entry = field_bytes(2, field_bytes(2, b"\x0a\x01a") + field_bytes(2, b"\x0a\x01b") + later)
    parts = _reshape.split("logs", field_bytes(1, later + scope_entry), 1)
    assert parts == [
        field_bytes(1, later + field_bytes(2, later + field_bytes(2, log_record)))
        for log_record in (b"\x0a\x01a", b"\x0a\x01b")
    ]


def test_envelopes_without_items_are_left_out_of_parts() -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add(schema_url="empty")
    scope_spans = request.resource_spans.add().scope_spans
    scope_spans.add(schema_url="empty")
    scope_spans.add().spans.add(name="a")
    scope_spans.add().spans.add(name="b")
    for part in _reshape.split("traces", request.SerializeToString(), 1):
        assert b"empty" not in part


def test_a_metric_with_more_points_than_fit_becomes_several_with_the_same_header() -> None:
    request = ExportMetricsServiceRequest()
    metric = (
        request.resource_metrics.add().scope_metrics.add().metrics.add(name="m", description="d", unit="u")
    )
    metric.metadata.add(key="k")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = 2
    for number in range(5):
        metric.sum.data_points.add(as_int=number)
    parts = [read(Signal.METRICS, part) for part in _reshape.split("metrics", request.SerializeToString(), 2)]
    found = [part.resource_metrics[0].scope_metrics[0].metrics[0] for part in parts]
    assert [[point.as_int for point in metric.sum.data_points] for metric in found] == [[0, 1], [2, 3], [4]]
    for part in found:
        del part.sum.data_points[:]
        assert (part.name, part.unit, part.sum.is_monotonic, len(part.metadata)) == ("m", "u", True, 1)


def test_a_part_is_filled_across_metrics() -> None:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    for name in "abc":
        metrics.add(name=name).gauge.data_points.add(as_int=1)
    parts = [read(Signal.METRICS, part) for part in _reshape.split("metrics", request.SerializeToString(), 2)]
    names = [[m.name for m in part.resource_metrics[0].scope_metrics[0].metrics] for part in parts]
    assert names == [["a", "b"], ["c"]]


def test_an_envelope_too_large_to_be_repeated_so_often_is_refused() -> None:
    resource = field_bytes(1, field_bytes(1, field_bytes(1, b"k" * 1_000_000)))
    spans = field_bytes(2, field_bytes(2, b"") * 1000)
    with pytest.raises(LimitError) as refused:
        _reshape.split("traces", field_bytes(1, resource + spans), 1)
    assert refused.value.limit == _reshape.MEMORY_BYTES_PER_WIRE_BYTE


@pytest.mark.parametrize(
    ("wire", "offset"),
    [
        (b"\x0a\x05\x12", 2),
        (field_bytes(1, b"\x12\x7f"), 4),
        (field_bytes(1, field_bytes(2, b"\x12\x7f")), 6),
    ],
)
def test_broken_framing_is_refused_and_says_where(wire: bytes, offset: int) -> None:
    for signal in Signal:
        with pytest.raises(WireError) as refused:
            _reshape.count(signal.value, wire)
        assert refused.value.offset == offset


def test_what_is_in_an_item_is_not_looked_at() -> None:
    wire = field_bytes(1, field_bytes(2, field_bytes(2, b"\xff\xff")))
    assert _reshape.count("traces", wire) == 1
