"""Finding items by attributes: what comes back is what a filter in plain Python leaves of the same items."""

import math
import re
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import otlp_strategies
from helpers.logs import log_batch_of, log_record
from helpers.metrics import add_point, metric, metric_batch
from helpers.spans import NOW, SECOND, batch, batch_of, span
from helpers.stores import new_writer
from tollspan.errors import QueryError
from tollspan.gateway.query import attribute_filter, logs, metrics, traces
from tollspan.gateway.query.attribute_filter import AttributeFilter
from tollspan.gateway.query.logs import LogQuery
from tollspan.gateway.query.metrics import Aggregation, MetricQuery
from tollspan.gateway.query.time_range import TimeRange
from tollspan.gateway.query.traces import TraceQuery
from tollspan.gateway.storage.attribute_conditions import AttributeCondition
from tollspan.gateway.storage.span_block import PROMOTED
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")

# One slice of time, which is one statement.
RANGE = TimeRange(NOW - SECOND, NOW + SECOND)
REQUESTS = {Signal.TRACES: batch_of, Signal.LOGS: log_batch_of}
ODD = [
    "",
    "a=b",
    "=",
    "it's",
    '"',
    "\\",
    "\\x41",
    "{a:String}",
    "%s",
    "ключ",
    "\0\t\r\n\b",
    "🜁",
    "$attributes",
]
NUMBERS = ["0", "-0", "42", "42.0", "4.2e1", "1.10", "007", "0.1", str(2**63 - 1), str(-(2**63)), str(2**63)]
WORDS = ["true", "false", "True", "nan", "inf", "1e400", "9007199254740993", "null", "/orders/{id}"]
KEYS = st.sampled_from(["k", "n", *(key for keys in PROMOTED.values() for key in keys), *ODD])
TEXTS = st.sampled_from([*ODD, *NUMBERS, *WORDS]) | st.text(max_size=5)
INTS = st.sampled_from([0, 1, 42, 200, 2**53 + 1, 2**63 - 1, -(2**63)]) | st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.sampled_from([0.0, -0.0, 42.0, 0.1, 1e300, 2.0**53, 5e-324, math.nan, math.inf]) | st.floats()
ATTRIBUTES = st.dictionaries(
    KEYS, TEXTS | INTS | DOUBLES | st.booleans() | st.none() | st.binary(max_size=3), max_size=5
)
FIRST_KEYS = {key: keys[0] for keys in PROMOTED.values() for key in keys}
SOURCES = st.lists(st.tuples(ATTRIBUTES, st.lists(ATTRIBUTES, max_size=4)), min_size=1, max_size=3)
"""Attributes of resources, each with those of its items."""


@st.composite
def questions(draw):
    """What several resources send, and conditions that often hold for some of it."""
    sources = draw(SOURCES)
    return (
        sources,
        draw(_conditions([own for _, items in sources for own in items])),
        draw(_conditions([resource for resource, _ in sources])),
    )


def _conditions(sent):
    pairs = [(key, as_text(value)) for own in sent for key, value in own.items()]
    # Its column has a value under another name, too.
    pairs += [(FIRST_KEYS[key], text) for key, text in pairs if key in FIRST_KEYS]
    pair = st.tuples(KEYS, TEXTS)
    likely = st.sampled_from(pairs) if pairs else pair
    return st.lists(st.one_of(likely, likely, pair), max_size=2)


def as_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def meets(attributes, conditions):
    return all(equals(attributes.get(key), text) for key, text in conditions)


def equals(value, text):
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int | float):
        if not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", text, re.ASCII):
            return False
        if isinstance(value, int) and re.fullmatch(r"-?\d+", text):
            return int(text) == value
        return math.isfinite(float(text)) and float(text) == value
    return value == text


def fill(target, attributes):
    for key, value in attributes.items():
        added = target.add(key=key).value
        names = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
        if isinstance(value, bytes):
            added.bytes_value = value
        elif value is not None:
            setattr(added, names[type(value)], value)


def request_of(signal, sources):
    """A request of these items, numbered in their trace ids; the attributes of each and of its resource."""
    made, sent = otlp_strategies.REQUESTS[signal](), []
    for resource, items in sources:
        part = made.resource_spans.add() if signal is Signal.TRACES else made.resource_logs.add()
        fill(part.resource.attributes, resource)
        inner = part.scope_spans.add().spans if signal is Signal.TRACES else part.scope_logs.add().log_records
        for attributes in items:
            trace_id = (len(sent) + 1).to_bytes(16)
            item = span(trace_id=trace_id) if signal is Signal.TRACES else log_record(trace_id=trace_id)
            fill(item.attributes, attributes)
            inner.append(item)
            sent.append((attributes, resource))
    return made, sent


def asked_for(attributes=(), resource_attributes=()):
    return AttributeFilter(
        tuple(AttributeCondition(*pair) for pair in attributes),
        tuple(AttributeCondition(*pair) for pair in resource_attributes),
    )


async def found(view, signal, asked):
    """The numbers of the items that are found."""
    if signal is Signal.TRACES:
        listed = (await traces.find_traces(view, TraceQuery(RANGE, attributes=asked), limit=100)).traces
    else:
        listed = (await logs.find_logs(view, LogQuery(RANGE, attributes=asked), limit=100)).records
    return sorted(int(item.trace_id, 16) for item in listed)


@pytest.mark.parametrize("signal", REQUESTS)
@given(question=questions(), merged=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_filter_finds_what_one_in_plain_python_leaves(runner, shared_store, signal, question, merged):
    sources, conditions, resource_conditions = question
    tenant = str(uuid.uuid4())
    request, sent = request_of(signal, sources)
    new_writer(shared_store._engine, signal).write([REQUESTS[signal](request, tenant)])
    if merged:  # which builds the indexes
        for table in ("spans", "log_records"):
            shared_store._engine.execute(f"OPTIMIZE TABLE {table} FINAL")
    asked = asked_for(conditions, resource_conditions)

    listed = runner.run(found(shared_store.view(tenant), signal, asked))

    assert listed == [
        number
        for number, (attributes, resource) in enumerate(sent, 1)
        if meets(attributes, conditions) and meets(resource, resource_conditions)
    ]
    assert runner.run(found(shared_store.view("someone else"), signal, asked)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("42", {"text", "int", "double"}), ("42.0", {"int", "double"}), ("4.20", set()), ("x", {"word"})],
)
async def test_a_metric_is_narrowed_to_the_points_with_an_attribute(store, text, found):
    load = metric("load")
    for kind, value in (("text", "42"), ("int", 42), ("word", "x")):
        add_point(load, attributes={"kind": kind, "k": value}, as_int=1)
    add_point(load, attributes={"kind": "double"}, as_int=1).attributes.add(key="k").value.double_value = 42
    await store.write(metric_batch(load))
    asked = MetricQuery(
        "load", RANGE, SECOND, Aggregation.SUM, ("kind",), attributes=asked_for([("k", text)])
    )

    series = await metrics.aggregate(store.view("acme"), asked)

    assert {own.labels["kind"] for own in series} == found


async def test_exemplars_are_those_of_points_with_the_attribute_from_such_a_resource(store):
    load = metric("load")
    for number in (1, 2):
        point = add_point(load, attributes={"k": number}, as_int=1)
        point.exemplars.add(time_unix_nano=NOW, as_int=number)
    for service in ("web", "mail"):
        await store.write(metric_batch(load, service=service))
    asked = asked_for([("k", "2")], [("service.name", "mail")])
    query = MetricQuery("load", RANGE, SECOND, Aggregation.SUM, attributes=asked)

    exemplars = await metrics.find_exemplars(store.view("acme"), query)

    assert [(own.service, own.value) for own in exemplars] == [("mail", 2)]


async def test_pages_of_a_filtered_list_hold_every_trace_once(store):
    sent = [span(start=NOW - number * SECOND, attributes={"k": number % 2}) for number in range(10)]
    await store.write(batch(*sent))
    query = TraceQuery(TimeRange(NOW - 60 * SECOND, NOW + 1), attributes=asked_for([("k", "1")]))
    listed, cursor = [], None
    while True:
        page = await traces.find_traces(store.view("acme"), query, limit=2, cursor=cursor)
        listed += [trace.trace_id for trace in page.traces]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert listed == [made.trace_id.hex() for made in sent[1::2]]
    numbered = await traces.page_traces(store.view("acme"), query, page=1, limit=2)
    assert numbered.total == 5


async def test_a_condition_that_too_many_resources_meet_is_refused(store, monkeypatch):
    monkeypatch.setattr(attribute_filter, "RESOURCES_MAX", 2)
    for number in range(3):
        await store.write(batch(span(), service=f"service {number}", resource={"zone": "a"}))
    view = store.view("acme")
    with pytest.raises(QueryError, match="more than 2 resources"):
        await found(view, Signal.TRACES, asked_for((), [("zone", "a")]))
    assert len(await found(view, Signal.TRACES, asked_for((), [("service.name", "service 1")]))) == 1
