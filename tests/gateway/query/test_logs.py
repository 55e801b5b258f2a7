import uuid

import pytest
from hypothesis import HealthCheck, given, settings

from helpers import otlp_strategies
from helpers.logs import log_batch, log_batch_of, log_record
from helpers.spans import NOW, SECOND, attributes_of, exact, value_of
from helpers.stores import new_writer
from tollspan.errors import QueryError
from tollspan.gateway.query import logs
from tollspan.gateway.query.logs import LogQuery
from tollspan.gateway.query.time_range import TimeRange
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


async def bodies(store, tenant="acme", datasets=(), limit=100, **query):
    page = await logs.find_logs(store.view(tenant, datasets), LogQuery(**query), limit=limit)
    return [record.body for record in page.records]


async def test_records_come_newest_first_whatever_their_age(store):
    ages = (3, 0, 400 * 24 * 3600, 90)
    await store.write(log_batch(*(log_record(str(age), NOW - age * SECOND) for age in ages)))
    assert await bodies(store) == ["0", "3", "90", str(400 * 24 * 3600)]


async def test_a_record_without_a_time_is_listed_when_it_was_observed_or_received(store):
    observed = log_record("observed", 0, observed_time_unix_nano=NOW)
    absurd = log_record("absurd", 0, observed_time_unix_nano=2**64 - 1)
    await store.write(log_batch(observed, log_record("nothing known", 0), absurd))
    page = await logs.find_logs(store.view("acme"), LogQuery(), limit=10)
    moments = {record.body: record.moment_unix_nano for record in page.records}
    assert moments["observed"] == NOW
    assert moments["nothing known"] == moments["absurd"] > NOW
    assert {record.time_unix_nano for record in page.records} == {0}


async def test_each_condition_narrows_the_list(store):
    trace_id, span_id = b"t" * 16, b"s" * 8
    await store.write(
        log_batch(
            log_record("Payment DECLINED", severity_number=17, trace_id=trace_id, span_id=span_id),
            log_record("paid", NOW - SECOND, severity_number=9, attributes={"tollspan.unit": "acme"}),
        )
    )
    await store.write(log_batch(log_record("elsewhere", NOW - 9 * SECOND), service="billing"))
    assert await bodies(store, text="declined") == ["Payment DECLINED"]
    assert await bodies(store, severity_min=17) == ["Payment DECLINED"]
    assert await bodies(store, trace_id=trace_id.hex()) == ["Payment DECLINED"]
    assert await bodies(store, span_id=span_id.hex()) == ["Payment DECLINED"]
    assert await bodies(store, unit="acme") == ["paid"]
    assert await bodies(store, service="billing") == ["elsewhere"]
    assert await bodies(store, time_range=TimeRange(NOW - SECOND, NOW)) == ["paid"]
    assert await bodies(store, text="declined", unit="acme") == []


async def test_text_is_found_inside_a_map(store):
    record = log_record(None)
    record.body.kvlist_value.values.add(key="what").value.string_value = "the needle"
    await store.write(log_batch(record))
    assert await bodies(store, text="needle") == [{"what": "the needle"}]


async def test_pages_hold_every_record_once_even_those_of_one_moment(store):
    moments = [NOW, NOW, NOW, NOW, NOW - 1, NOW - 1, NOW - 3600 * SECOND]
    await store.write(log_batch(*(log_record(str(n), moment) for n, moment in enumerate(moments))))
    found, cursor = [], None
    while True:
        page = await logs.find_logs(store.view("acme"), LogQuery(), limit=2, cursor=cursor)
        found += [record.body for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(found) == [str(n) for n in range(len(moments))]


async def test_a_cursor_that_was_not_given_out_is_refused(store):
    with pytest.raises(QueryError, match="cursor"):
        await logs.find_logs(store.view("acme"), LogQuery(), limit=1, cursor="yesterday")


async def test_a_view_shows_its_tenant_and_datasets_alone(store):
    for tenant in ("acme", "rival"):
        for dataset in ("shop", "bank"):
            await store.write(log_batch(log_record(f"{tenant} {dataset}"), tenant=tenant, dataset=dataset))
    assert sorted(await bodies(store, "acme")) == ["acme bank", "acme shop"]
    assert await bodies(store, "rival", ("bank",)) == ["rival bank"]
    assert await bodies(store, "nobody") == []


def as_sent(sent, resource_logs, scope_logs):
    """What is to be read back of a record, as far as it can be compared."""
    return {
        "time_unix_nano": sent.time_unix_nano,
        "observed_time_unix_nano": sent.observed_time_unix_nano,
        "severity": (sent.severity_number, sent.severity_text),
        "body": value_of(sent.body),
        "event_name": sent.event_name,
        "ids": (sent.trace_id.hex() or None, sent.span_id.hex() or None),
        "attributes": attributes_of(sent.attributes),
        "resource": attributes_of(resource_logs.resource.attributes),
        "scope": (scope_logs.scope.name, attributes_of(scope_logs.scope.attributes)),
        "dropped": sent.dropped_attributes_count,
    }


def as_read(record):
    return {
        "time_unix_nano": record.time_unix_nano,
        "observed_time_unix_nano": record.observed_time_unix_nano,
        "severity": (record.severity_number, record.severity_text),
        "body": record.body,
        "event_name": record.event_name,
        "ids": (record.trace_id, record.span_id),
        "attributes": record.attributes,
        "resource": record.resource.attributes,
        "scope": (record.instrumentation_scope.name, record.instrumentation_scope.attributes),
        "dropped": record.dropped_attributes,
    }


@given(made=otlp_strategies.requests(Signal.LOGS))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_record_is_read_back_as_it_was_sent(runner, shared_store, made):
    tenant = str(uuid.uuid4())
    expected = {}
    for resource_logs in made.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for sent in scope_logs.log_records:
                sent.time_unix_nano %= NOW
                sent.flags = len(expected)  # tells them apart
                expected[sent.flags] = as_sent(sent, resource_logs, scope_logs)
    [receipt] = new_writer(shared_store._engine, Signal.LOGS).write([log_batch_of(made, tenant)])
    assert receipt.rejected == 0
    page = runner.run(logs.find_logs(shared_store.view(tenant), LogQuery(), limit=1000))
    assert exact({record.flags: as_read(record) for record in page.records}) == exact(expected)
    assert len(page.records) == len(expected)
