"""Every test runs over both encoders, which is also all that `_encode_py` needs to be tested for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.metadata import version
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as official_encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from packaging.version import Version

from tollspan.otlp import _encode, _encode_py

encoders = pytest.mark.parametrize("encoder", [_encode, _encode_py], ids=["compiled", "python"])

SURROGATE = "broken \ud800 text"
INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
text = st.text(max_size=20) | st.text(st.characters(categories=["L"]), min_size=120, max_size=140)
# Official encoders before 1.43 refuse an empty value.
EMPTY = st.none() if Version(version("opentelemetry-sdk")) >= Version("1.43") else st.booleans()
scalars = EMPTY | st.booleans() | text | INT64 | st.floats() | st.binary(max_size=140)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
bad_values = (
    st.just(SURROGATE) | st.integers(2**63, 2**70) | st.builds(object) | st.builds(lambda: {"a": [object()]})
)
contexts = st.builds(
    SpanContext,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    is_remote=st.booleans(),
    trace_flags=st.sampled_from([TraceFlags(0), TraceFlags(1)]),
    trace_state=st.sampled_from([None, TraceState([("vendor", "a"), ("other", "b=c")])]),
)
statuses = (
    st.just(Status()) | st.builds(Status, st.just(StatusCode.ERROR), text) | st.just(Status(StatusCode.OK))
)


def spans_with(attributes: st.SearchStrategy[Any]) -> st.SearchStrategy[ReadableSpan]:
    return st.builds(
        ReadableSpan,
        name=text,
        context=contexts,
        parent=st.none() | contexts,
        resource=st.none(),
        attributes=attributes,
        events=st.lists(st.builds(Event, text, attributes, UINT64), max_size=2),
        links=st.lists(st.builds(Link, contexts, attributes), max_size=2),
        kind=st.sampled_from(SpanKind),
        status=statuses,
        start_time=st.none() | UINT64,
        end_time=st.none() | UINT64,
    )


good_spans = spans_with(st.none() | st.dictionaries(text, values, max_size=4))
any_spans = spans_with(
    st.dictionaries(text | st.just(SURROGATE) | st.integers(), values | bad_values, max_size=4)
)


def span(**changes: Any) -> ReadableSpan:
    context = SpanContext(trace_id=1, span_id=2, is_remote=False)
    return ReadableSpan(**{"name": "work", "context": context, "start_time": 1, "end_time": 2} | changes)


def encoded(encoder: ModuleType, *spans: ReadableSpan) -> list[Span]:
    wire, failed = encoder.encode_spans(spans)
    assert failed == []
    return list(ScopeSpans.FromString(wire).spans)


def attribute(encoder: ModuleType, value: Any) -> AnyValue:
    return encoded(encoder, span(attributes={"key": value}))[0].attributes[0].value


@encoders
@given(spans=st.lists(good_spans, max_size=4))
def test_spans_are_written_as_the_official_encoder_writes_them(
    encoder: ModuleType, spans: list[ReadableSpan]
) -> None:
    official: ExportTraceServiceRequest = official_encode_spans(spans)
    expected = b"".join(
        ScopeSpans(spans=scope_spans.spans).SerializeToString()
        for resource_spans in official.resource_spans
        for scope_spans in resource_spans.scope_spans
    )
    assert encoder.encode_spans(spans) == (expected, [])


@given(spans=st.lists(any_spans, max_size=4))
def test_both_encoders_write_the_same_bytes_whatever_the_attributes(spans: list[ReadableSpan]) -> None:
    assert _encode.encode_spans(spans) == _encode_py.encode_spans(spans)


@encoders
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "text",
        "ü" * 70,
        True,
        False,
        0,
        -1,
        2**63 - 1,
        -(2**63),
        0.0,
        -0.0,
        math.inf,
        b"",
        b"\xff\x00",
    ],
)
def test_an_empty_value_stays_apart_from_a_missing_one(encoder: ModuleType, value: Any) -> None:
    written = attribute(encoder, value)
    kind = written.WhichOneof("value")
    assert kind == {
        type(None): None, str: "string_value", bool: "bool_value", int: "int_value",
        float: "double_value", bytes: "bytes_value",
    }[type(value)]  # fmt: skip
    assert kind is None or getattr(written, kind) == value


@encoders
def test_lists_and_maps_may_mix_and_nest(encoder: ModuleType) -> None:
    written = attribute(encoder, [1, "a", None, [True], {"b": (2.5, b"c"), 7: {}}])
    first, second, third, fourth, fifth = written.array_value.values
    assert (first.int_value, second.string_value, third.WhichOneof("value")) == (1, "a", None)
    assert fourth.array_value.values[0].bool_value is True
    pairs = {pair.key: pair.value for pair in fifth.kvlist_value.values}
    assert [item.WhichOneof("value") for item in pairs["b"].array_value.values] == [
        "double_value",
        "bytes_value",
    ]
    assert pairs["7"].HasField("kvlist_value")


@encoders
@pytest.mark.parametrize(
    "faulty",
    [
        {"name": SURROGATE},
        {"name": 5},
        {"name": 0},
        {"start_time": -1},
        {"start_time": 1.5},
        {"start_time": "now"},
        {"end_time": 2**64},
        {"kind": 9},
        {"kind": None},
        {"context": None},
        {"context": SpanContext(2**128, 1, is_remote=False)},
        {"context": SpanContext(-1, 1, is_remote=False)},
        {"parent": SpanContext(1, 2**64, is_remote=False)},
        {"status": Status(StatusCode.ERROR, SURROGATE)},
        {"events": [Event(SURROGATE, timestamp=1)]},
        {"events": [Event("late", timestamp=-1)]},
        {"events": [None]},
        {"links": [Link(SpanContext(1, -1, is_remote=False))]},
        {"attributes": 7},
    ],
)
def test_a_span_that_cannot_be_encoded_costs_itself_alone(
    encoder: ModuleType, faulty: dict[str, Any]
) -> None:
    wire, failed = encoder.encode_spans([span(name="before"), span(**faulty), span(name="after")])
    assert failed == [1]
    assert [kept.name for kept in ScopeSpans.FromString(wire).spans] == ["before", "after"]


def test_the_reason_names_the_part_that_is_at_fault() -> None:
    def why_not(**changes: Any) -> str:
        return _encode_py.why_not(span(**changes), _encode_py.SPAN_PARTS)

    assert why_not(name=5) == "name: must be a str, not int"
    assert why_not(start_time=1.5) == "start time: must be an int of nanoseconds, not float"
    assert why_not(events=[Event(SURROGATE)]).startswith("events: 'utf-8' codec can't encode")


class Sulky(list[int]):
    def __iter__(self) -> Any:
        raise RuntimeError("not now")


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth > 1 else []


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@encoders
@pytest.mark.parametrize(
    "bad",
    [
        {"bad": SURROGATE},
        {SURROGATE: 1},
        {5: 1},
        {"bad": 2**63},
        {"bad": -(2**63) - 1},
        {"bad": object()},
        {"bad": [1, [SURROGATE]]},
        {"bad": {"a": {SURROGATE: 1}}},
        {"bad": Sulky([1])},
        {"bad": CYCLE},
        {"bad": nested(_encode_py.VALUE_DEPTH_MAX + 1)},
    ],
)
def test_a_bad_attribute_costs_itself_alone_and_is_counted(encoder: ModuleType, bad: dict[Any, Any]) -> None:
    attributes = {"first": 1, **bad, "last": 2}
    context = SpanContext(1, 2, is_remote=False)
    faulty = span(attributes=attributes, events=[Event("e", attributes)], links=[Link(context, attributes)])
    written = encoded(encoder, faulty)[0]
    for owner in (written, written.events[0], written.links[0]):
        assert [pair.key for pair in owner.attributes] == ["first", "last"]
        assert owner.dropped_attributes_count == 1


@encoders
def test_a_value_may_nest_as_deep_as_the_limit(encoder: ModuleType) -> None:
    written = attribute(encoder, nested(_encode_py.VALUE_DEPTH_MAX))
    for _ in range(_encode_py.VALUE_DEPTH_MAX - 1):
        written = written.array_value.values[0]
    assert written.HasField("array_value")


@encoders
def test_more_keys_than_are_remembered_are_still_right(encoder: ModuleType) -> None:
    names = [f"key.{number}" for number in range(5000)] + ["k" * 5000]
    for _ in range(2):
        written = encoded(encoder, span(attributes=dict.fromkeys(names, 1)))[0]
        assert [pair.key for pair in written.attributes] == names


@encoders
def test_a_subclass_decides_what_its_properties_show(encoder: ModuleType) -> None:
    class Redacted(ReadableSpan):
        @property
        def name(self) -> str:
            return "redacted"

        @property
        def attributes(self) -> Mapping[str, Any]:
            return {"card": "***"}

    context = SpanContext(1, 2, is_remote=False)
    written = encoded(encoder, Redacted("pay", context, attributes={"card": "4111"}))[0]
    assert written.name == "redacted"
    assert written.attributes[0].value.string_value == "***"


@encoders
def test_a_span_whose_private_fields_are_called_otherwise_is_read_by_its_properties(
    encoder: ModuleType,
) -> None:
    original = span(attributes={"a": 1})

    class Renamed:
        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            return getattr(original, name)

    Renamed.__module__ = "opentelemetry.sdk.trace"
    wire, failed = encoder.encode_spans([Renamed()])
    assert failed == []
    assert wire == encoder.encode_spans([original])[0]
