"""Answers to clients of the Unomiq engine, read with the models of the published client."""

import os

import pytest
from unomiq import AndGroup, Condition, QueryOperator
from unomiq.sdk.engine.models import LiveTraceListResponse, RootTraceListResponse, Trace

from helpers.spans import NOW, SECOND, batch, span
from helpers.web import READER

pytestmark = pytest.mark.xdist_group("telemetry")

ROOT, CHILD, TRACE_ID = os.urandom(8), os.urandom(8), os.urandom(16)


@pytest.fixture(autouse=True)
async def order(store):
    """Two traces: one of a root and its child, one of a root alone, a second later."""
    units = {"unomiq.unit": "acme", "unomiq.parent_unit": "group"}
    fields = {"trace_id": TRACE_ID, "duration": 1_500_000}
    root = span("GET /", span_id=ROOT, kind=2, attributes=units, **fields)
    child = span("query", span_id=CHILD, parent_span_id=ROOT, kind=3, attributes={"rows": 3}, **fields)
    await store.write(batch(root, child))
    await store.write(batch(span("bill", start=NOW + SECOND), service="billing"))


def times(start=NOW, end=NOW + 10 * SECOND):
    return {"start_time": str(start / SECOND), "end_time": str(end / SECOND)}


async def live(http, **parameters):
    response = await http.get("/traces/live", params=times() | parameters, headers=READER)
    return LiveTraceListResponse.model_validate(response.raise_for_status().json())


async def search(http, expression=None, **parameters):
    response = await http.post(
        "/traces",
        params=times() | parameters,
        json={"filter": expression.to_dict() if expression else None},
        headers=READER,
    )
    return RootTraceListResponse.model_validate(response.raise_for_status().json())


def equal(field, value):
    return Condition(field=field, op=QueryOperator.EQ, value=value)


async def test_live_spans_come_newest_first_and_in_pages(http):
    first, second = await live(http, limit=2), await live(http, limit=2, page=2)

    names = [one.span_name for one in first.data + second.data]
    assert names[0] == "bill"
    assert sorted(names[1:]) == ["GET /", "query"]
    assert (second.pagination.page, second.pagination.limit, second.pagination.total) == (2, 2, 3)


async def test_a_live_span_has_its_attributes(http):
    child = next(one for one in (await live(http)).data if one.span_name == "query")

    assert (child.trace_id, child.span_id, child.parent_span_id) == (TRACE_ID.hex(), CHILD.hex(), ROOT.hex())
    assert child.span_kind == "SPAN_KIND_CLIENT"
    assert child.span_end_time_unix_nano - child.span_start_time_unix_nano == 1_500_000
    assert child.span_attributes == {"rows": 3}
    assert child.resource_attributes == {"service.name": "orders"}


async def test_the_end_of_a_time_is_no_part_of_it(http):
    until = await live(http, **times(NOW, NOW + SECOND))

    assert sorted(one.span_name for one in until.data) == ["GET /", "query"]


async def test_a_trace_is_the_list_of_its_spans(http):
    response = await http.get(f"/traces/{TRACE_ID.hex()}", params=times(), headers=READER)
    root, child = sorted(map(Trace.model_validate, response.json()), key=lambda one: one.span_name)

    assert (root.span_id, root.unit, root.parent_unit) == (ROOT.hex(), "acme", "group")
    assert (child.span_id, child.unit, child.duration_ms) == (CHILD.hex(), None, 1.5)
    # The client takes an object or nothing here, not null.
    assert not {"billing", "usage"} & response.json()[0].keys()


async def test_a_span_id_or_another_time_narrows_a_trace(http):
    path = f"/traces/{TRACE_ID.hex()}"
    one = await http.get(path, params=times() | {"span_id": CHILD.hex()}, headers=READER)
    later = await http.get(path, params=times(NOW + SECOND), headers=READER)

    assert [found["span_id"] for found in one.json()] == [CHILD.hex()]
    assert (later.status_code, later.json()) == (200, [])


async def test_traces_are_summed_up(http):
    found = await search(http)

    assert [trace.span_name for trace in found.data] == ["bill", "GET /"]
    trace = found.data[1]
    assert (trace.trace_id, trace.spans_count, trace.total_cost) == (TRACE_ID.hex(), 2, 0)
    assert (trace.duration_ms, trace.min_start_time_unix_nano) == (1.5, NOW)
    assert (trace.service_name, trace.unit, trace.parent_unit) == ("orders", "acme", "group")
    assert found.pagination.total == 2


async def test_a_filter_is_about_roots_unless_child_spans_are_searched(http):
    query = equal("span_name", "query")

    assert (await search(http, query)).data == []
    assert len((await search(http, query, search_child_spans="False")).data) == 0
    assert len((await search(http, query, search_child_spans="True")).data) == 1


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (equal("unit", "acme"), ["GET /"]),
        (equal("parent_unit", "group"), ["GET /"]),
        (equal("service_name", "billing"), ["bill"]),
        (AndGroup(and_=[equal("unit", "acme"), equal("service_name", "billing")]), []),
    ],
)
async def test_filters_narrow_the_list_and_its_total(http, expression, found):
    answer = await search(http, expression)

    assert [trace.span_name for trace in answer.data] == found
    assert answer.pagination.total == len(found)


@pytest.mark.parametrize(
    ("method", "path", "request_", "field"),
    [
        ("GET", "/traces/live", {"params": {"limit": 101}}, "limit"),
        ("GET", "/traces/live", {"params": {"page": 0}}, "page"),
        ("GET", "/traces/live", {"params": {"start_time": "yesterday"}}, "start_time"),
        ("GET", f"/traces/{'g' * 32}", {}, "trace_id"),
        ("GET", f"/traces/{'a' * 32}", {"params": {"span_id": "1"}}, "span_id"),
        ("POST", "/traces", {"json": {"filter": {"or": []}}}, "filter"),
        ("POST", "/traces", {"json": {"filter": "unit"}}, "filter"),
        ("POST", "/traces", {"json": {"fliter": None}}, "fliter"),
    ],
)
async def test_a_wrong_question_is_answered_with_what_is_wrong(http, method, path, request_, field):
    response = await http.request(method, path, headers=READER, **request_)

    assert (response.status_code, response.json()["error"]["field"]) == (400, field)
