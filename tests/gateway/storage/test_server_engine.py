"""The store on a ClickHouse server: the real client, and behind the stand-in server the real engine."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from helpers.clickhouse_face import ClickHouseFace
from helpers.logs import log_batch, log_record
from helpers.metrics import metric_batch, one_of_each_kind
from helpers.spans import batch, span
from tollspan.collector.component import Receipt
from tollspan.errors import StoreError
from tollspan.gateway.query import logs, metrics, spans, traces
from tollspan.gateway.query.attribute_catalogue import find_attribute_keys
from tollspan.gateway.query.attribute_filter import AttributeFilter
from tollspan.gateway.query.logs import LogQuery
from tollspan.gateway.query.red import find_red
from tollspan.gateway.query.service_edges import find_service_edges
from tollspan.gateway.query.time_range import ALWAYS
from tollspan.gateway.query.traces import TraceQuery
from tollspan.gateway.storage.attribute_conditions import AttributeCondition
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.server_engine import ServerEngine
from tollspan.gateway.storage.store import Store

pytestmark = pytest.mark.xdist_group("telemetry")


@pytest.fixture
def url(tmp_path):
    engine = Engine(tmp_path)
    with ClickHouseFace(engine) as face:
        yield face.url
    engine.close()


@pytest.fixture
async def store(url):
    made = Store(url)
    await made.open()
    yield made
    await made.close()


async def test_what_is_stored_answers_every_question(store):
    made = span("here", attributes={"tollspan.unit": "it's\t\\"})
    sent = [batch(made), log_batch(log_record("done")), metric_batch(*one_of_each_kind())]
    assert [await store.write(own) for own in sent] == [Receipt()] * 3
    view = store.view("acme", ["default"])
    trace_id = made.trace_id.hex()
    [listed] = (await traces.find_traces(view, TraceQuery(unit="it's\t\\"), limit=10)).traces
    assert (listed.trace_id, listed.spans) == (trace_id, 1)
    assert (await traces.get_trace(view, trace_id)).names == ["here"]
    assert [own.name for own in await spans.trace_spans(view, trace_id)] == ["here"]
    assert [own.body for own in (await logs.find_logs(view, LogQuery(), limit=10)).records] == ["done"]
    assert len(await metrics.find_metrics(view, limit=10)) == 5
    [red] = await find_red(view, ALWAYS, step_s=300)
    assert sum(step.spans for step in red.steps) == 1
    [key] = await find_attribute_keys(view, ALWAYS)
    assert (key.key, key.spans) == ("tollspan.unit", 1)
    assert await find_service_edges(view, ALWAYS) == []


@pytest.mark.parametrize("text", ["order=7", "order=7.0", "k'=it's\t\\", "http.route=/o", "tollspan.unit=u"])
async def test_what_is_stored_is_found_by_attributes(store, text):
    made = span(attributes={"order": 7, "k'": "it's\t\\", "http.route": "/o", "tollspan.unit": "u"})
    await store.write(batch(made, span()))
    key, _, value = text.partition("=")
    asked = AttributeFilter(
        (AttributeCondition(key, value),), (AttributeCondition("service.name", "orders"),)
    )
    page = await traces.find_traces(store.view("acme"), TraceQuery(attributes=asked), limit=10)
    assert [trace.trace_id for trace in page.traces] == [made.trace_id.hex()]


async def test_a_request_is_stored_once_also_after_a_restart(url):
    sent = batch(span(trace_id=b"t" * 16))
    for _ in range(2):
        store = Store(url)
        await store.open()
        await store.write(sent)
        found = await spans.trace_spans(store.view("acme"), (b"t" * 16).hex())
        await store.close()
        assert len(found) == 1


async def test_a_trace_is_erased_there_too(store):
    made = span()
    await store.write(batch(made))
    removed = await store.erase_trace("acme", (), made.trace_id.hex())
    assert removed.total() == 1
    assert await spans.trace_spans(store.view("acme"), made.trace_id.hex()) == []


async def test_its_health_is_that_of_the_server(store):
    assert await store.check() == {"disk": "", "database": ""}
    assert await asyncio.to_thread(store.disk_free_bytes) > 0


async def test_a_server_that_is_not_there_is_an_error_that_may_pass_and_tells_no_secret():
    store = Store("clickhouse://writer:secret@127.0.0.1:1/default")
    with pytest.raises(StoreError) as refusal:
        await store.open()
    assert refusal.value.retryable
    assert "secret" not in str(refusal.value)
    await store.close()


class _NoClickHouse(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_error(404, "what is a SELECT?")

    def log_message(self, *_):
        pass


def test_a_server_that_is_something_else_or_refuses_is_named_without_the_password(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), _NoClickHouse) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"127.0.0.1:{server.server_port}/db"
        with pytest.raises(StoreError) as refused:
            ServerEngine(f"clickhouse://user:hunter2@{address}").rows("SELECT 1", {})
        server.shutdown()
        thread.join()
    assert str(refused.value) == (
        f"clickhouse://{address} answers as no ClickHouse server does; "
        "check --storage, and whether that server runs"
    )
