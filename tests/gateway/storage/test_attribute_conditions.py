"""The indexes over attributes are built, and the real statements are answered from them."""

import re

import pytest

from helpers.logs import log_batch, log_record
from helpers.spans import NOW, SECOND, batch, span
from tollspan.gateway.query import logs, traces
from tollspan.gateway.query.attribute_filter import AttributeFilter
from tollspan.gateway.query.logs import LogQuery
from tollspan.gateway.query.time_range import TimeRange
from tollspan.gateway.query.traces import TraceQuery
from tollspan.gateway.storage.attribute_conditions import OF_SPANS, AttributeCondition, where
from tollspan.gateway.storage.engine import INDEXES_BUILT_BY_MERGES

pytestmark = pytest.mark.xdist_group("telemetry")

ITEMS = 20_000
GRANULES = 2
RANGE = TimeRange(NOW - SECOND, NOW + SECOND)
ATTRIBUTES = {"order": 1, "customer": "c", "tollspan.unit": "u", "http.response.status_code": 200}


@pytest.fixture
async def statements(store, monkeypatch):
    """What was asked of a store of several granules, whose parts are merged: each plan by its table."""
    await store.write(batch(*(span(attributes=ATTRIBUTES) for _ in range(ITEMS))))
    await store.write(log_batch(*(log_record(attributes=ATTRIBUTES) for _ in range(ITEMS))))
    merge(store)
    ask, plans = store._engine.rows, {}

    def rows(sql, parameters):
        if "OFFSET" not in sql:  # it is no list of items
            return ask(sql, parameters)
        plan = "\n".join(row["explain"] for row in ask(f"EXPLAIN indexes = 1 {sql}", parameters))
        plans[re.search(r"ReadFromMergeTree \(\w+\.(\w+)\)", plan)[1]] = plan
        return ask(sql, parameters)

    monkeypatch.setattr(store._engine, "rows", rows)
    return plans


def granules(plan):
    """How many there are, and how many of them are read after all indexes were asked."""
    steps = [(int(after), int(before)) for after, before in re.findall(r"Granules: (\d+)/(\d+)", plan)]
    return max(before for _, before in steps), steps[-1][0]


CONDITIONS = {
    "a text": [("customer", "nobody")],
    "a number": [("order", "4711")],
    "a number with a fraction": [("order", "0.5")],
    "a bool": [("customer", "true")],
    "a key": [("elsewhere", "c")],
    "a promoted text": [("tollspan.unit", "nobody")],
    "a promoted number": [("http.response.status_code", "500")],
    "one of several": [("customer", "c"), ("order", "1"), ("elsewhere", "x")],
    "one of two numbers": [("order", "2"), ("order", "1")],
}


@pytest.mark.parametrize("absent", CONDITIONS)
async def test_what_no_item_has_is_not_looked_for_in_the_rows(store, statements, absent):
    asked = AttributeFilter(tuple(AttributeCondition(*pair) for pair in CONDITIONS[absent]))
    view = store.view("acme")
    assert (await traces.find_traces(view, TraceQuery(RANGE, attributes=asked), limit=10)).traces == []
    assert (await logs.find_logs(view, LogQuery(RANGE, attributes=asked), limit=10)).records == []
    assert {table: granules(plan) for table, plan in statements.items()} == {
        "spans": (GRANULES, 0),
        "log_records": (GRANULES, 0),
    }


async def test_a_list_without_conditions_reads_no_attributes(store, statements):
    await traces.find_traces(store.view("acme"), TraceQuery(RANGE), limit=10)
    assert "attributes_" not in statements["spans"]


async def test_inserts_leave_the_indexes_to_merges(store):
    await store.write(batch(span(attributes=ATTRIBUTES)))
    await store.write(log_batch(log_record(attributes=ATTRIBUTES)))
    assert indexes_with_data(store._engine) == {"trace_id_bloom"}
    merge(store)
    assert indexes_with_data(store._engine) == {"trace_id_bloom", *INDEXES_BUILT_BY_MERGES}


def merge(store):
    for table in ("spans", "log_records"):
        store._engine.execute(f"OPTIMIZE TABLE {table} FINAL")


def indexes_with_data(engine):
    sql = "SELECT DISTINCT name FROM system.data_skipping_indices WHERE data_compressed_bytes > 0"
    return {row["name"] for row in engine.rows(sql, {})}


def test_what_is_asked_for_is_never_in_the_sql():
    conditions = [AttributeCondition("http.route", "' OR 1 --"), AttributeCondition("k'", "42")]
    asked = where(conditions, OF_SPANS)
    assert "'" not in asked.sql
    assert {"' OR 1 --", "k'"} <= {value for value in asked.parameters.values() if isinstance(value, str)}
