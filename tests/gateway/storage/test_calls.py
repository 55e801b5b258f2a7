import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.spans import NOW, batch, span
from helpers.stores import FailingEngine, new_writer, open_engine
from tollspan.errors import StoreError
from tollspan.gateway.storage.calls import OpenCalls

pytestmark = pytest.mark.xdist_group("telemetry")

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
TRACE = b"t" * 16


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path, FailingEngine) as opened:
        yield opened


def calls_of(engine, tenant="acme", dataset="default"):
    """How often each service called another, as the table says."""
    sql = """
        SELECT caller || ' ' || callee AS edge, count() AS calls
        FROM spans ARRAY JOIN calls.caller AS caller, calls.callee AS callee
        WHERE tenant = {tenant:String} AND dataset = {dataset:String} GROUP BY edge
    """
    rows = engine.rows(sql, {"tenant": tenant, "dataset": dataset})
    return {row["edge"]: row["calls"] for row in rows}


def caller_of(number, kind=CLIENT, **options):
    made = span(trace_id=TRACE, span_id=b"call%04d" % number, kind=kind, start=NOW)
    return batch(made, service="web", **options)


def callee_of(number, service="shop", kind=SERVER, **options):
    return batch(
        span(trace_id=TRACE, parent_span_id=b"call%04d" % number, kind=kind), service=service, **options
    )


def write(writer, *groups):
    for group in groups:
        writer.write(group)


@pytest.mark.parametrize("kinds", [(CLIENT, SERVER), (PRODUCER, CONSUMER)])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("caller_first", [True, False])
def test_a_call_is_found_in_whatever_order_its_spans_come(engine, kinds, together, caller_first):
    pair = [caller_of(1, kinds[0]), callee_of(1, kind=kinds[1])]
    ordered = pair if caller_first else pair[::-1]
    write(new_writer(engine), *([ordered] if together else [[own] for own in ordered]))
    assert calls_of(engine) == {"web shop": 1}


def test_a_message_that_many_consume_is_a_call_to_each(engine):
    early, late = (callee_of(1, service, CONSUMER) for service in ("mail", "stock"))
    write(new_writer(engine), [early], [caller_of(1, PRODUCER)], [late])
    assert calls_of(engine) == {"web mail": 1, "web stock": 1}


@pytest.mark.parametrize("kind", [0, 1, CLIENT])
def test_a_child_of_another_kind_is_not_called(engine, kind):
    write(new_writer(engine), [caller_of(1), callee_of(1, kind=kind)])
    assert calls_of(engine) == {}


def test_what_others_sent_is_not_found(engine):
    places = [{"tenant": "rival"}, {"dataset": "other"}, {"tenant": "acme default", "dataset": ""}]
    write(new_writer(engine), [callee_of(1)], *([caller_of(1, **place)] for place in places))
    assert calls_of(engine) == calls_of(engine, "rival") == {}


def test_the_older_half_of_what_waits_is_given_up_when_there_is_too_much():
    open_calls = OpenCalls(size_max=8)
    for number in range(12):
        open_calls.make_room(1)
        assert open_calls.add_callee(b"caller %d" % number, b"shop") is None
    assert [open_calls.add_caller(b"caller %d" % number, b"web") for number in (0, 3, 4, 11)] == [
        [],
        [],
        [b"shop"],
        [b"shop"],
    ]


def test_callees_of_both_generations_find_their_caller():
    open_calls = OpenCalls(size_max=4)
    for number in range(3):
        open_calls.make_room(1)
        open_calls.add_callee(b"caller", b"shop %d" % number)
    assert open_calls.add_caller(b"caller", b"web") == [b"shop 0", b"shop 1", b"shop 2"]
    for _ in range(2):
        open_calls.make_room(1)
        assert open_calls.add_callee(b"caller", b"late") == b"web"


OUTCOMES = st.sampled_from(["written", "written", "lost", "unknown", "restart"])


@given(
    order=st.permutations(range(12)),
    outcomes=st.lists(OUTCOMES, min_size=12, max_size=12),
    sizes=st.lists(st.integers(1, 4), min_size=12, max_size=12),
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_call_is_counted_once_through_failures_restarts_and_resends(engine, order, outcomes, sizes):
    tenant = str(uuid.uuid4())
    requests = [half(number, tenant=tenant) for number in range(6) for half in (caller_of, callee_of)]
    waiting = [requests[place] for place in order]
    writer = new_writer(engine)
    for size, outcome in zip(sizes, outcomes, strict=True):
        group = waiting[:size]
        if outcome == "restart":
            writer = new_writer(engine)
        engine.outcome = outcome
        try:
            writer.write(group)
        except StoreError:
            continue
        waiting = waiting[size:]
    engine.outcome = "written"
    writer.write(waiting)
    writer.write(requests)
    assert calls_of(engine, tenant) == {"web shop": 6}
