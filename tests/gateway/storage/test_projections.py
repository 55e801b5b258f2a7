"""What is derived from spans says what the spans say, whatever happens to them."""

import time
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.projections import QUESTIONS, agreed, complete, incomplete_parts, put_question
from helpers.spans import NOW, SECOND, batch, span
from helpers.stores import new_writer, open_engine, open_store
from tollspan.gateway.query import traces
from tollspan.gateway.query.attribute_catalogue import AttributeKey, find_attribute_keys
from tollspan.gateway.query.time_range import ALWAYS
from tollspan.gateway.storage.statements import fill, migrations, statement
from tollspan.gateway.storage.upkeep import (
    DAY_S,
    Retention,
    complete_projections,
    erase_trace,
    erase_unit,
    expire,
)
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")

SERVER, CLIENT = 2, 3
NOON_S = NOW // SECOND // DAY_S * DAY_S + DAY_S // 2
REQUESTS, AGES, KEPT_DAYS = 6, 4, 2


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path) as opened:
        yield opened


def trace_id(number):
    return bytes([number + 1]) * 16


def received_ns(number):
    return (NOON_S - number % AGES * DAY_S) * SECOND


def numbered_batch(number, tenant="acme"):
    """A call within a service: the same bytes whenever it is sent."""
    attributes = {
        "tollspan.unit": f"unit {number % 2}",
        f"key {number % 3}": "x",
        "tollspan.cost.currency": "USD",
        "tollspan.cost.amount_nano": 10,
    }
    fields = {"trace_id": trace_id(number), "attributes": attributes, "start": received_ns(number)}
    caller = span(span_id=bytes([number + 1]) * 8, kind=CLIENT, **fields)
    callee = span(span_id=bytes([number + 101]) * 8, parent_span_id=caller.span_id, kind=SERVER, **fields)
    return batch(caller, callee, tenant=tenant)


def write(engine, number, tenant="acme"):
    """It comes `number % AGES` days before noon, after a start of the process."""
    new_writer(engine, clock_ns=lambda: received_ns(number)).write([numbered_batch(number, tenant)])


def counts(engine, tenant):
    """Spans by helper: those counted, in calls, with each key, and of each trace with their cost."""
    trace_ids = [trace_id(number) for number in range(REQUESTS)]
    answers = agreed(engine, trace_ids, tenant)
    slots = [row["slot"] for row in answers["trace_slots"]]
    asked = {"tenant": tenant, "datasets": [], "trace_ids": trace_ids, "slots": slots}
    summaries = engine.rows(fill("summarise_traces", asked), asked)
    keys = {}
    for row in answers["attribute_keys"]:
        for key in row["string_keys"]:
            keys[key] = keys.get(key, 0) + row["spans"]
    return (
        sum(row["spans"] for row in answers["red"]),
        sum(row["calls"] for row in answers["service_edges"]),
        keys,
        {row["id"]: (row["spans"], row["costs"]) for row in summaries},
    )


def expected_counts(numbers):
    keys = [f"key {number % 3}" for number in numbers]
    return (
        2 * len(numbers),
        len(numbers),
        {key: 2 * keys.count(key) for key in keys},
        {trace_id(number).hex(): (2, {"USD": 20}) for number in numbers},
    )


NUMBERS = st.integers(0, REQUESTS - 1)
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["write", "write", "write", "erase trace"]), NUMBERS)
    | st.tuples(st.sampled_from(["erase unit", "expire", "merge", "complete"]), st.integers(0, 1)),
    max_size=10,
)


@given(actions=ACTIONS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_helper_is_exact_after_resends_merges_erasure_and_retention(engine, actions):
    tenant = str(uuid.uuid4())
    known, stored = set(), set()
    for action, number in actions:
        match action:
            case "write":
                write(engine, number, tenant)
                stored |= {number} - known
                known.add(number)
            case "erase trace":
                erase_trace(engine, tenant, [], trace_id(number).hex(), NOON_S - AGES * DAY_S)
                stored.discard(number)
            case "erase unit":
                erase_unit(engine, tenant, [], f"unit {number}", NOON_S - AGES * DAY_S)
                stored -= {own for own in stored if own % 2 == number}
            case "expire":
                expire(engine, Retention({Signal.TRACES: KEPT_DAYS}), NOON_S)
                for numbers in (known, stored):
                    numbers -= {own for own in numbers if own % AGES > KEPT_DAYS}
            case "merge":
                engine.execute("OPTIMIZE TABLE spans FINAL")
            case "complete":
                complete(engine)
    assert counts(engine, tenant) == expected_counts(stored)


@pytest.mark.parametrize("projection", QUESTIONS)
def test_no_span_is_read_where_the_projection_is_there(engine, projection):
    write(engine, 0)
    complete(engine)
    used = f"force_optimize_projection_name = '{projection}'"
    assert put_question(engine, projection, "acme", [trace_id(0)], used)


def test_merges_make_the_projections(engine):
    for number in (0, AGES):
        write(engine, number)
    assert incomplete_parts(engine) == 2
    engine.execute("OPTIMIZE TABLE spans FINAL")
    assert incomplete_parts(engine) == 0


def test_parts_that_no_merge_takes_are_completed_once_they_are_old(engine):
    write(engine, 0)
    [made] = engine.rows("SELECT toUnixTimestamp(max(modification_time)) AS s FROM system.parts", {})
    complete_projections(engine, made["s"] + 3600)
    assert incomplete_parts(engine) == 1
    complete_projections(engine, made["s"] + 3601)
    deadline = time.monotonic() + 60
    while engine.rows("SELECT 1 FROM system.mutations WHERE NOT is_done", {}):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert incomplete_parts(engine) == 0


async def test_a_folder_of_an_earlier_schema_answers_as_one_of_this(tmp_path):
    with open_engine(tmp_path, upto="0007_calls") as engine:
        for number in range(3):
            engine.execute(
                "INSERT INTO spans (tenant, dataset, received, trace_id, span_id, start, service, "
                "attributes_string, attributes_int) SELECT 'acme', 'default', now(), "
                f"unhex('{trace_id(0).hex()}'), '{number:08}', now(), 'shop', "
                "map('tollspan.cost.currency', 'USD'), map('tollspan.cost.amount_nano', 5)"
            )
    async with open_store(tmp_path) as store:
        view = store.view("acme")
        for bring_up_to_date in (lambda _: None, complete):
            bring_up_to_date(store._engine)
            agreed(store._engine, [trace_id(0)])
            [listed] = (await traces.find_traces(view, traces.TraceQuery(), limit=1)).traces
            assert (listed.spans, listed.costs) == (3, (traces.Cost("USD", 15),))
            assert await find_attribute_keys(view, ALWAYS) == [
                AttributeKey("tollspan.cost.amount_nano", "int", 3, 24),
                AttributeKey("tollspan.cost.currency", "string", 3, 9),
            ]
        assert list(migrations()) == sorted(
            row["name"] for row in store._engine.rows(statement("load_schema_migrations"), {})
        )
