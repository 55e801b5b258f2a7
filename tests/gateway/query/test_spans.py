import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import otlp_strategies
from helpers.spans import NOW, SECOND, batch, batch_of, exact, expected_spans, span
from helpers.stores import new_writer
from tollspan.gateway.query import spans
from tollspan.gateway.query.time_range import ALWAYS, TimeRange
from tollspan.gateway.storage.span_block import PROMOTED
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")

SPECIAL_KEYS = ["service.name", *(key for keys in PROMOTED.values() for key in keys)]


@st.composite
def storable_requests(draw):
    """Requests of any shape whose spans are distinct and not of the future, with keys that have columns."""
    made = draw(otlp_strategies.requests(Signal.TRACES))
    number = 0
    for resource_spans in made.resource_spans:
        _rename_keys(draw, resource_spans.resource.attributes)
        for sent in (sent for scope_spans in resource_spans.scope_spans for sent in scope_spans.spans):
            number += 1
            sent.span_id = number.to_bytes(8, "big")
            sent.start_time_unix_nano %= NOW
            _rename_keys(draw, sent.attributes)
    return made


def _rename_keys(draw, attributes):
    names = draw(st.lists(st.sampled_from(SPECIAL_KEYS), max_size=len(attributes), unique=True))
    for attribute, name in zip(attributes, names, strict=False):
        attribute.key = name


@given(requests=st.lists(storable_requests(), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_span_is_read_back_as_it_was_sent_and_where_it_was_sent_to(runner, shared_store, requests):
    tenants = [str(uuid.uuid4()), str(uuid.uuid4()), str(uuid.uuid4())]
    group = [batch_of(made, tenant) for made, tenant in zip(requests, tenants, strict=False)]
    # Around the group commit, which makes a lone writer wait.
    receipts = new_writer(shared_store._engine).write(group)
    assert [receipt.rejected for receipt in receipts] == [0] * len(group)
    for made, tenant in zip(requests, tenants, strict=False):
        page = runner.run(spans.live_spans(shared_store.view(tenant), ALWAYS, page=1, limit=1000))
        assert exact({read.span_id: read for read in page.spans}) == exact(expected_spans(made))
        assert page.total == len(page.spans)


async def test_spans_are_paged_newest_first(store):
    sent = [span(start=NOW - number * SECOND) for number in range(5)]
    await store.write(batch(*sent))
    pages = [
        await spans.live_spans(store.view("acme"), TimeRange(NOW - 3 * SECOND, NOW + 1), page=page, limit=2)
        for page in (1, 2, 3)
    ]
    ids = [made.span_id.hex() for made in sent]
    assert [[found.span_id for found in page.spans] for page in pages] == [ids[:2], ids[2:4], []]
    assert [page.total for page in pages] == [4, 4, 4]


async def test_the_spans_of_a_trace_may_be_narrowed_down(store):
    first = span(start=NOW)
    second = span(start=NOW + SECOND, trace_id=first.trace_id)
    await store.write(batch(first, second, span()))
    view, trace_id = store.view("acme"), first.trace_id.hex()
    whole = await spans.trace_spans(view, trace_id)
    late = await spans.trace_spans(view, trace_id, time_range=TimeRange(NOW + 1))
    one = await spans.trace_spans(view, trace_id, span_id=first.span_id.hex())
    assert [found.span_id for found in whole] == [second.span_id.hex(), first.span_id.hex()]
    assert [found.span_id for found in late] == [second.span_id.hex()]
    assert [found.span_id for found in one] == [first.span_id.hex()]


async def test_a_span_is_found_by_its_ids_alone(store):
    made = span("wanted")
    await store.write(batch(made, span()))
    view = store.view("acme")
    found = await spans.get_span(view, made.trace_id.hex(), made.span_id.hex())
    assert found.name == "wanted"
    assert await spans.get_span(view, "ab" * 16, made.span_id.hex()) is None
