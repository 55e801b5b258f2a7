import pytest

from helpers.spans import NOW, SECOND, batch, failed_span, span
from tollspan.gateway.query.service_edges import ServiceEdge, find_service_edges
from tollspan.gateway.query.time_range import ALWAYS, SLOT_S, TimeRange

pytestmark = pytest.mark.xdist_group("telemetry")

SERVER, CLIENT = 2, 3
START = NOW // (SLOT_S * SECOND) * SLOT_S * SECOND


async def call(store, make=span, start=START, trace_id=b"t" * 16, **options):
    """`web` calls `shop`; the callee's span comes first."""
    caller = make(trace_id=trace_id, kind=CLIENT, start=start, attributes={"tollspan.unit": "u"})
    callee = span(trace_id=trace_id, parent_span_id=caller.span_id, kind=SERVER, start=start)
    await store.write(batch(callee, service="shop", **options))
    await store.write(batch(caller, service="web", **options))


async def test_calls_and_errors_are_counted_by_edge_and_time(store):
    await call(store)
    await call(store, failed_span)
    await call(store, start=START + SLOT_S * SECOND)
    view = store.view("acme")
    assert await find_service_edges(view, TimeRange(START, START + 1)) == [
        ServiceEdge("web", "shop", to_database=False, calls=2, errors=1)
    ]
    [whole] = await find_service_edges(view, ALWAYS)
    assert whole.calls == 3


async def test_a_database_is_called_though_it_sends_no_spans(store):
    query = span(kind=CLIENT, attributes={"db.system.name": "postgresql"})
    await store.write(batch(query, service="shop"))
    assert await find_service_edges(store.view("acme"), ALWAYS) == [
        ServiceEdge("shop", "postgresql", to_database=True, calls=1, errors=0)
    ]


async def test_each_tenant_and_dataset_has_its_own_edges(store):
    await call(store)
    await call(store, tenant="rival")
    await call(store, dataset="other")
    counted = [
        [edge.calls for edge in await find_service_edges(view, ALWAYS)]
        for view in (store.view("acme"), store.view("acme", ["other"]), store.view("nobody"))
    ]
    assert counted == [[2], [1], []]


async def test_what_was_erased_is_not_counted(store):
    await call(store)
    await call(store, trace_id=b"u" * 16)
    await store.erase_trace("acme", [], (b"u" * 16).hex())
    [edge] = await find_service_edges(store.view("acme"), ALWAYS)
    assert edge.calls == 1
    await store.erase_unit("acme", [], "u")
    assert await find_service_edges(store.view("acme"), ALWAYS) == []
