import os
import random
import time

import pytest

from helpers.spans import NOW, SECOND, batch, failed_span, span
from tollspan.errors import QueryError
from tollspan.gateway.query import traces
from tollspan.gateway.query.time_range import TimeRange
from tollspan.gateway.query.traces import TraceQuery

pytestmark = pytest.mark.xdist_group("telemetry")

RANGE = TimeRange(NOW - 3600 * SECOND, NOW + 3600 * SECOND)
EVERYTHING = TraceQuery(RANGE)


@pytest.fixture
def view(store):
    return store.view("acme")


async def listed(view, query=EVERYTHING, **options):
    page = await traces.find_traces(view, query, **({"limit": 50} | options))
    return [trace.trace_id for trace in page.traces]


async def paged(view, query, limit):
    """What all pages list, page by page."""
    pages, cursor = [], None
    while True:
        page = await traces.find_traces(view, query, limit=limit, cursor=cursor)
        pages.append([trace.trace_id for trace in page.traces])
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def test_a_trace_is_summed_up_over_all_its_requests(store, view):
    root = span("GET /orders", duration=5 * SECOND)
    child = failed_span("pay", trace_id=root.trace_id, parent_span_id=root.span_id, start=NOW + SECOND)
    child.attributes.add(key="tollspan.unit").value.string_value = "acme-1"
    child.attributes.add(key="tollspan.parent_unit").value.string_value = "gold"
    await store.write(batch(child, service="payments"))
    await store.write(batch(root, service="web"))
    [summary] = (await traces.find_traces(view, EVERYTHING, limit=1)).traces
    assert summary == traces.TraceSummary(
        trace_id=root.trace_id.hex(),
        root_name="GET /orders",
        root_service="web",
        start_unix_nano=NOW,
        duration_nano=5 * SECOND,
        spans=2,
        errors=1,
        services=("payments", "web"),
        unit="acme-1",
        parent_unit="gold",
        costs=(),
    )


async def test_reported_costs_are_summed_up_by_currency(store, view):
    def costing(currency, amount_nano):
        reported = {"tollspan.cost.currency": currency, "tollspan.cost.amount_nano": amount_nano}
        return span(trace_id=b"t" * 16, attributes=reported)

    half = 2**62
    costs = [costing("USD", half), costing("USD", half), costing("EUR", -5), costing("", 7), span()]
    await store.write(batch(*costs))
    found = (await traces.find_traces(view, EVERYTHING, limit=2)).traces
    assert {trace.trace_id: trace.costs for trace in found} == {
        (b"t" * 16).hex(): (traces.Cost("EUR", -5), traces.Cost("USD", 2**63)),
        costs[-1].trace_id.hex(): (),
    }


async def test_the_earliest_span_stands_for_a_root_that_is_missing(store, view):
    trace_id = os.urandom(16)
    late = span("late", trace_id=trace_id, parent_span_id=b"parent-1", start=NOW + SECOND)
    early = span("early", trace_id=trace_id, parent_span_id=b"parent-2", start=NOW)
    await store.write(batch(late, early))
    [summary] = (await traces.find_traces(view, EVERYTHING, limit=1)).traces
    assert (summary.root_name, summary.unit) == ("early", None)


async def test_an_end_beyond_all_time_does_not_turn_round(store, view):
    await store.write(batch(span(duration=2**63 - 1)))
    [summary] = (await traces.find_traces(view, EVERYTHING, limit=1)).traces
    assert summary.duration_nano == 2**63 - 1 - NOW


async def test_newer_traces_are_listed_first(store, view):
    sent = [span(start=NOW - number * 40 * SECOND) for number in range(20)]
    await store.write(batch(*random.sample(sent, len(sent))))
    assert await listed(view) == [trace.trace_id.hex() for trace in sent]


async def test_pages_list_every_trace_once(store, view):
    # Long traces straddle pages, and several spans start at the same moment.
    sent = []
    for number in range(30):
        trace_id = bytes([number + 1]) * 16
        sent += [
            span(trace_id=trace_id, start=NOW + step * SECOND)
            for step in (number, number // 7 * 30, 3 * number)
        ]
    await store.write(batch(*sent))
    pages = await paged(view, EVERYTHING, 4)
    together = [trace_id for page in pages for trace_id in page]
    assert sorted(together) == [(bytes([number + 1]) * 16).hex() for number in range(30)]


async def test_an_empty_list_has_no_next_page(view):
    page = await traces.find_traces(view, EVERYTHING, limit=10)
    assert page == traces.TracePage([], None)


async def test_a_trace_of_tomorrow_is_listed_when_the_range_is_open(store, view):
    ahead = span(start=time.time_ns() + 3600 * SECOND)
    await store.write(batch(ahead))
    assert await listed(view, TraceQuery()) == [ahead.trace_id.hex()]


async def test_traces_that_name_no_time_have_their_pages_too(store, view):
    without_time = [span(start=0) for _ in range(3)]
    await store.write(batch(*without_time))
    seen, cursor = [], None
    for _ in without_time:
        page = await traces.find_traces(view, TraceQuery(), limit=1, cursor=cursor)
        seen += [trace.trace_id for trace in page.traces]
        cursor = page.next_cursor
    assert sorted(seen) == sorted(sent.trace_id.hex() for sent in without_time)


@pytest.mark.parametrize("cursor", ["", "x", "1.2", "-1." + "0" * 32, "9" * 20 + "." + "0" * 32])
async def test_a_cursor_that_was_not_given_out_is_refused(view, cursor):
    if not cursor:
        assert await listed(view, cursor=cursor) == []
        return
    with pytest.raises(QueryError, match="cursor"):
        await listed(view, cursor=cursor)


@pytest.fixture
async def mixture(store):
    """Spans that differ in one thing each, by what that is; every span is a trace."""
    parent = span("parent")
    mixture = {
        "plain": span(),
        "name": span("checkout"),
        "unit": span(attributes={"tollspan.unit": "u"}),
        "unomiq": span(attributes={"unomiq_unit": "u", "unomiq_parent_unit": "p"}),
        "failed": failed_span(),
        "slow": span(duration=2 * SECOND),
        "child": span(parent_span_id=parent.span_id),
        "earlier": span(start=NOW - 7200 * SECOND),
    }
    await store.write(batch(*mixture.values()))
    mixture["service"] = span()
    await store.write(batch(mixture["service"], service="mail"))
    return mixture


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({}, {"plain", "name", "unit", "unomiq", "failed", "slow", "child", "service"}),
        ({"service": "mail"}, {"service"}),
        ({"name": "checkout"}, {"name"}),
        ({"unit": "u"}, {"unit", "unomiq"}),
        ({"parent_unit": "p"}, {"unomiq"}),
        ({"unit": "u", "parent_unit": "p"}, {"unomiq"}),
        ({"errors": True}, {"failed"}),
        ({"duration_min_nano": 2 * SECOND}, {"slow"}),
        ({"roots": True}, {"plain", "name", "unit", "unomiq", "failed", "slow", "service"}),
        ({"service": "mail", "errors": True}, set()),
        ({"name": "' OR 1 = 1 --\\\n\t"}, set()),
    ],
)
async def test_a_query_finds_the_traces_with_such_a_span(view, mixture, conditions, found):
    query = TraceQuery(RANGE, **conditions)
    expected = sorted(mixture[name].trace_id.hex() for name in found)
    page = await traces.page_traces(view, query, page=1, limit=50)
    assert sorted(await listed(view, query)) == expected
    assert sorted(trace.trace_id for trace in page.traces) == expected
    assert page.total == len(expected)


async def test_numbered_pages_do_not_overlap(store, view):
    sent = [span(start=NOW - number) for number in range(7)]
    await store.write(batch(*sent))
    pages = [await traces.page_traces(view, EVERYTHING, page=number, limit=3) for number in (1, 2, 3, 4)]
    found = [[trace.trace_id for trace in page.traces] for page in pages]
    expected = [trace.trace_id.hex() for trace in sent]
    assert found == [expected[:3], expected[3:6], expected[6:], []]


async def test_a_trace_is_given_in_columns(store, view):
    root = span("root", start=NOW, duration=100, kind=2, attributes={"tollspan.unit": "u"})
    child = failed_span(
        "child", trace_id=root.trace_id, parent_span_id=root.span_id, start=NOW + 10, duration=200
    )
    child.events.add(name="exception")
    orphan = span(
        "child", trace_id=root.trace_id, parent_span_id=b"elsewhere"[:8], start=NOW + 20, duration=-5
    )
    await store.write(batch(orphan, child))
    await store.write(batch(root, service="web"))
    trace = await traces.get_trace(view, root.trace_id.hex())
    spans = trace.spans
    assert (trace.start_unix_nano, trace.duration_nano, trace.orphans) == (NOW, 210, [2])
    assert spans.span_id == root.span_id + child.span_id + orphan.span_id
    assert list(spans.parent) == [-1, 0, -1]
    assert [trace.services[place] for place in spans.service] == ["web", "orders", "orders"]
    assert [trace.names[place] for place in spans.name] == ["root", "child", "child"]
    assert (trace.units, list(spans.unit)) == (["u"], [0, -1, -1])
    assert list(spans.kind) == [2, 0, 0]
    assert list(spans.status) == [0, 2, 0]
    assert list(spans.offset_nano) == [0, 10, 20]
    assert list(spans.duration_nano) == [100, 200, 0]
    assert list(spans.events) == [0, 1, 0]
    assert sorted(trace.services) == ["orders", "web"]


async def test_a_trace_of_many_blocks_is_read_in_full(store, view):
    trace_id = os.urandom(16)
    sent = [span(f"step {number}", trace_id=trace_id, start=NOW + number) for number in range(70_000)]
    await store.write(batch(*sent))
    trace = await traces.get_trace(view, trace_id.hex())
    assert trace.spans.span_id == b"".join(made.span_id for made in sent)
    assert [trace.names[place] for place in trace.spans.name] == [made.name for made in sent]


async def test_a_trace_that_is_not_there_is_none(view):
    assert await traces.get_trace(view, "ab" * 16) is None


async def test_services_are_counted(store, view):
    await store.write(batch(span(), failed_span(), span(start=NOW - 7200 * SECOND), service="web"))
    await store.write(batch(span(), service="mail"))
    found = await traces.find_services(view, RANGE)
    assert found == [traces.ServiceSummary("mail", 1, 0), traces.ServiceSummary("web", 2, 1)]


async def test_a_trace_is_summed_up_from_all_of_its_spans_however_far_apart(store):
    trace_id = b"t" * 16
    days = (0, 1, 30)
    await store.write(
        batch(*(span(f"day {day}", trace_id=trace_id, start=NOW - day * 24 * 3600 * SECOND) for day in days))
    )
    [trace] = (await traces.find_traces(store.view("acme"), TraceQuery(), limit=10)).traces
    assert (trace.spans, trace.root_name) == (3, "day 30")
    assert trace.duration_nano == 30 * 24 * 3600 * SECOND + 1000
