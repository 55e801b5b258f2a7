import re
import time
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.logs import log_batch, log_record
from helpers.metrics import add_point, metric, metric_batch
from helpers.spans import NOW, SECOND, batch, span
from helpers.stores import new_writer, open_engine
from tollspan.gateway.storage import upkeep
from tollspan.gateway.storage.item_writer import LAYOUTS
from tollspan.gateway.storage.store import UPKEEP_INTERVAL_S
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

TODAY_S = NOW // SECOND // DAY_S * DAY_S
NOON_S = TODAY_S + DAY_S // 2


@pytest.fixture
def engine(tmp_path):
    with open_engine(tmp_path) as opened:
        yield opened


def of_unit(signal, unit, **options):
    """A request of one item of that unit."""
    attributes = {"tollspan.unit": unit}
    match signal:
        case Signal.TRACES:
            return batch(span(attributes=attributes, start=1), **options)
        case Signal.LOGS:
            return log_batch(log_record(attributes=attributes, time=1), **options)
    made = metric("load")
    add_point(made, attributes=attributes, as_int=1, time=1)
    return metric_batch(made, **options)


def write(engine, signal, *batches, now_s=NOON_S):
    new_writer(engine, signal, clock_ns=lambda: now_s * SECOND).write(batches)


def units(engine, signal, tenant="acme"):
    sql = f"SELECT unit FROM {LAYOUTS[signal].table} WHERE tenant = {{tenant:String}} ORDER BY unit"
    return [row["unit"] for row in engine.rows(sql, {"tenant": tenant})]


@pytest.mark.parametrize("signal", Signal)
def test_days_are_kept_as_long_as_was_said_and_go_as_a_whole(engine, signal):
    for age in range(4):
        write(engine, signal, of_unit(signal, str(age)), now_s=NOON_S - age * DAY_S)
    assert expire(engine, Retention({signal: 2}), NOON_S) == {signal: 1}
    assert units(engine, signal) == ["0", "1", "2"]
    assert expire(engine, Retention({signal: 2}), NOON_S)[signal] == 0


AGES = st.lists(st.tuples(st.sampled_from(["shop", "bank", "rest"]), st.integers(0, 6)), max_size=6)
DAYS = st.none() | st.integers(1, 5)


@given(items=AGES, default=DAYS, shop=DAYS, bank=DAYS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_dataset_is_kept_by_its_own_rule_else_by_that_of_all(engine, items, default, shop, bank):
    tenant = str(uuid.uuid4())
    for dataset, age in items:
        sent = of_unit(Signal.LOGS, f"{dataset} {age}", tenant=tenant, dataset=dataset)
        write(engine, Signal.LOGS, sent, now_s=NOON_S - age * DAY_S)
    rules = {"shop": shop, "bank": bank}
    retention = Retention(
        {} if default is None else {Signal.LOGS: default},
        {name: {Signal.LOGS: days} for name, days in rules.items() if days is not None},
    )
    expire(engine, retention, NOON_S)
    kept = [
        f"{dataset} {age}"
        for dataset, age in items
        if (days := rules.get(dataset) or default) is None or age <= days
    ]
    assert set(units(engine, Signal.LOGS, tenant)) == set(kept)


def test_what_is_around_items_goes_with_the_last_that_may_need_it(engine):
    for age in (0, 9):
        write(engine, Signal.TRACES, of_unit(Signal.TRACES, "u"), now_s=NOON_S - age * DAY_S)
    expire(engine, Retention(dict.fromkeys(Signal, 5)), NOON_S)
    for table in upkeep.ENVELOPE_TABLES:
        [counted] = engine.rows(f"SELECT count() AS rows FROM {table}", {})
        assert counted["rows"] == 1


def test_a_unit_is_erased_from_every_signal_of_its_tenant_alone(engine):
    for signal in Signal:
        for unit in ("it's", "other"):
            for tenant in ("acme", "rival"):
                write(engine, signal, of_unit(signal, unit, tenant=tenant))
    assert erase_unit(engine, "acme", [], "it's", NOON_S) == dict.fromkeys(Signal, 1)
    for signal in Signal:
        assert units(engine, signal) == ["other"]
        assert units(engine, signal, "rival") == ["it's", "other"]
    assert erase_unit(engine, "acme", [], "it's", NOON_S).total() == 0


def test_a_trace_is_erased_with_its_logs_from_the_named_datasets(engine):
    trace_id = b"t" * 16
    for dataset in ("shop", "bank"):
        write(engine, Signal.TRACES, batch(span(trace_id=trace_id), span(), dataset=dataset))
        write(engine, Signal.LOGS, log_batch(log_record(trace_id=trace_id), dataset=dataset))
    removed = erase_trace(engine, "acme", ["shop"], trace_id.hex(), NOON_S)
    assert removed == {Signal.TRACES: 1, Signal.LOGS: 1}
    assert [len(units(engine, signal)) for signal in (Signal.TRACES, Signal.LOGS)] == [3, 1]


@pytest.mark.parametrize("signal", Signal)
def test_what_was_erased_does_not_come_back_by_a_resend_nor_does_its_neighbour_double(engine, signal):
    sent = [of_unit(signal, unit) for unit in ("gone", "kept")]
    write(engine, signal, *sent)
    erase_unit(engine, "acme", [], "gone", NOON_S)
    write(engine, signal, *sent)
    assert units(engine, signal) == ["kept"]


@pytest.mark.parametrize("signal", Signal)
def test_a_day_that_gets_no_more_becomes_one_part(engine, signal):
    """After forty minutes; here after a second."""
    for number in range(6):
        write(engine, signal, of_unit(signal, str(number)), now_s=NOON_S - number % 2 * DAY_S)
    force_merges_soon(engine, LAYOUTS[signal].table)
    assert becomes(engine, LAYOUTS[signal].table, [1, 1])
    assert units(engine, signal) == list("012345")


def test_a_day_with_parts_that_have_no_projections_yet_becomes_one_part_once_they_have(engine):
    for number in range(6):
        write(engine, Signal.TRACES, of_unit(Signal.TRACES, str(number)))
        if number == 3:
            engine.execute("OPTIMIZE TABLE spans FINAL")
    assert parts_by_day(engine, "spans") == [3]
    force_merges_soon(engine, "spans")
    complete_projections(engine, time.time() + 2 * 3600)
    assert becomes(engine, "spans", [1])
    assert units(engine, Signal.TRACES) == list("012345")


def force_merges_soon(engine, table):
    """What the schema says, with a second in the place of its forty minutes."""
    sql = "SELECT engine_full FROM system.tables WHERE name = {table:String} AND database = currentDatabase()"
    [row] = engine.rows(sql, {"table": table})
    assert "min_age_to_force_merge_on_partition_only = 1" in row["engine_full"]
    # Completing projections makes all parts young again.
    assert 0 < int(re.search(r"to_force_merge_seconds = (\d+)", row["engine_full"])[1]) < UPKEEP_INTERVAL_S
    engine.execute(f"ALTER TABLE {table} MODIFY SETTING min_age_to_force_merge_seconds = 1")


def becomes(engine, table, parts):
    """Whether there are that many parts of each day, waiting for it."""
    deadline = time.monotonic() + 60
    while (found := parts_by_day(engine, table)) != parts and time.monotonic() < deadline:
        time.sleep(0.1)
    return found == parts


def parts_by_day(engine, table):
    active = "FROM system.parts WHERE active AND table = {table:String}"
    rows = engine.rows(f"SELECT count() AS parts {active} GROUP BY partition", {"table": table})
    return [row["parts"] for row in rows]
