"""Exactly once: whatever happens to an insert, whenever the process ends."""

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import stores
from helpers.logs import log_batch, log_record
from helpers.metrics import DELTA, add_point, metric, metric_batch
from helpers.spans import NOW, SECOND, batch, batch_of, request, span
from helpers.stores import FailingEngine, open_engine
from tollspan.collector.component import Receipt
from tollspan.errors import StoreError, WireError
from tollspan.gateway.storage.item_writer import LAYOUTS, REMEMBERED_S
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path, FailingEngine) as opened:
        yield opened


def new_writer(engine, signal=Signal.TRACES):
    """A writer as it is after a start of the process."""
    return stores.new_writer(engine, signal, clock_ns=lambda: NOW)


def stored_traces(engine, tenant):
    """How many spans of each trace there are."""
    sql = """
        SELECT hex(trace_id) AS id, count() AS spans
        FROM spans WHERE tenant = {tenant:String} GROUP BY trace_id
    """
    return {bytes.fromhex(row["id"]): row["spans"] for row in engine.rows(sql, {"tenant": tenant})}


def test_the_same_request_is_stored_once(engine):
    writer, sent = new_writer(engine), batch(span(trace_id=b"1" * 16), span(trace_id=b"1" * 16))
    assert writer.write([sent, sent]) == [Receipt(), Receipt()]
    assert writer.write([sent]) == [Receipt()]
    assert stored_traces(engine, "acme") == {b"1" * 16: 2}


def test_a_request_is_known_again_after_a_restart(engine):
    sent = batch(span(trace_id=b"1" * 16))
    new_writer(engine).write([sent])
    assert new_writer(engine).write([sent]) == [Receipt()]
    assert stored_traces(engine, "acme") == {b"1" * 16: 1}


def test_a_request_is_forgotten_after_a_day(engine):
    sent = batch(span(trace_id=b"1" * 16))
    new_writer(engine).write([sent])
    stores.new_writer(engine, clock_ns=lambda: NOW + (REMEMBERED_S + 1) * SECOND).write([sent])
    assert stored_traces(engine, "acme") == {b"1" * 16: 2}


def test_the_same_bytes_from_another_tenant_or_for_another_dataset_are_other_requests(engine):
    made = span(trace_id=b"1" * 16)
    places = [("acme", "default"), ("acme", "other"), ("rival", "default")]
    new_writer(engine).write([batch(made, tenant=tenant, dataset=dataset) for tenant, dataset in places])
    assert stored_traces(engine, "acme") == {b"1" * 16: 2}
    assert stored_traces(engine, "rival") == {b"1" * 16: 1}


def test_a_repeated_request_gets_its_first_answer_again(engine):
    writer = new_writer(engine)
    partly_sound = batch_of(request(span(), span(trace_id=b"short")))
    [first] = writer.write([partly_sound])
    assert first.rejected == 1
    assert writer.write([partly_sound]) == [first]


def test_broken_requests_leave_their_group_unharmed(engine):
    broken = Batch(Signal.TRACES, b"\x0a\xff", 1, "acme", "default")
    answers = new_writer(engine).write([broken, batch(span(trace_id=b"1" * 16))])
    assert isinstance(answers[0], WireError)
    assert answers[1] == Receipt()
    assert stored_traces(engine, "acme") == {b"1" * 16: 1}


def test_a_group_is_one_part_however_old_its_spans_are(engine):
    ages = [batch(span(start=NOW - days * 24 * 3600 * SECOND), tenant=str(days % 3)) for days in range(200)]
    new_writer(engine).write(ages)
    [parts] = engine.rows(
        "SELECT count() AS parts, sum(rows) AS rows FROM system.parts WHERE table = 'spans'", {}
    )
    assert parts == {"parts": 1, "rows": 200}


def test_a_large_group_is_one_part(engine):
    new_writer(engine).write([batch(*(span() for _ in range(70_000)))])
    [parts] = engine.rows(
        "SELECT count() AS parts, sum(rows) AS rows FROM system.parts WHERE table = 'spans'", {}
    )
    assert parts == {"parts": 1, "rows": 70_000}


OUTCOMES = st.sampled_from(["written", "written", "lost", "unknown"])
STEPS = st.lists(
    st.just("restart") | st.tuples(OUTCOMES, st.lists(st.integers(0, 5), min_size=1, max_size=4)), max_size=8
)


def numbered_batch(signal, number, tenant):
    """A request of `number` + 1 items."""
    match signal:
        case Signal.TRACES:
            return batch(*(span(trace_id=bytes([number + 1]) * 16) for _ in range(number + 1)), tenant=tenant)
        case Signal.LOGS:
            return log_batch(*(log_record(str(number)) for _ in range(number + 1)), tenant=tenant)
    made = metric(str(number), "histogram", DELTA)
    for _ in range(number):
        add_point(made, bucket_counts=[1], count=1)
    # Of two kinds, so that no kind alone is the whole request.
    gauge = metric(str(number))
    add_point(gauge, as_int=number)
    return metric_batch(made, gauge, tenant=tenant)


NUMBER_OF_ROW = {
    Signal.TRACES: "reinterpretAsUInt8(substring(trace_id, 1, 1)) - 1",
    Signal.METRICS: "toInt64(name)",
    Signal.LOGS: "toInt64(body_text)",
}


def stored_requests(engine, signal, tenant):
    """How many items of each numbered request there are."""
    sql = f"""
        SELECT {NUMBER_OF_ROW[signal]} AS request, count() AS items
        FROM {LAYOUTS[signal].table} WHERE tenant = {{tenant:String}} GROUP BY request
    """
    return {row["request"]: row["items"] for row in engine.rows(sql, {"tenant": tenant})}


@pytest.mark.parametrize("signal", Signal)
@given(steps=STEPS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_acknowledged_is_there_once_and_what_is_not_at_most_once(engine, signal, steps):
    tenant = str(uuid.uuid4())
    requests = [numbered_batch(signal, number, tenant) for number in range(6)]
    writer, acknowledged, offered = new_writer(engine, signal), set(), set()
    for step in steps:
        if step == "restart":
            writer = new_writer(engine, signal)
            continue
        engine.outcome, numbers = step
        offered.update(numbers)
        try:
            writer.write([requests[number] for number in numbers])
        except StoreError:
            continue
        acknowledged.update(numbers)
    found = stored_requests(engine, signal, tenant)
    assert found.items() <= {number: number + 1 for number in range(6)}.items()
    assert acknowledged <= found.keys() <= offered
