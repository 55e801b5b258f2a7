import pytest

from helpers.spans import NOW, SECOND, batch, span
from tollspan.gateway.query.trace_slots import find_trace_slots

pytestmark = pytest.mark.xdist_group("telemetry")

SLOT_S = 300
START_S = NOW // SECOND // SLOT_S * SLOT_S


async def test_the_slots_of_the_spans_of_all_the_traces_are_found(store):
    traces = {name: name * 16 for name in (b"a", b"b", b"c")}
    for slot, name in enumerate((b"a", b"a", b"b", b"c")):
        start = (START_S + slot * SLOT_S + slot) * SECOND
        await store.write(batch(*(span(trace_id=traces[name], start=start) for _ in range(2))))
    view = store.view("acme")
    found = await find_trace_slots(view, [traces[b"a"].hex(), traces[b"b"].hex()])
    assert sorted(found) == [START_S, START_S + SLOT_S, START_S + 2 * SLOT_S]
    assert await find_trace_slots(view, ["ff" * 16]) == []


async def test_each_tenant_and_dataset_has_its_own_slots(store):
    await store.write(batch(span(trace_id=b"t" * 16), dataset="shop"))
    asked = [store.view("acme", ["shop"]), store.view("acme", ["other"]), store.view("rival")]
    found = [await find_trace_slots(view, [(b"t" * 16).hex()]) for view in asked]
    assert found == [[START_S], [], []]
