"""unomiq-sdk 0.1.1 as published, pointed at the gateway: what it sends, it reads back.

It sets the global tracer provider, so it runs in a process of its own. Its writing half names no
dataset, so the credential's only one is taken; its reading half always names one, the app id.
"""

import json
import subprocess
import sys

import pytest

APP_ID = "checkout-app"

SEND = """
import json, sys
from opentelemetry import trace
from unomiq import UnomiqGateway, set_unit
url, client_id, client_secret = sys.argv[1:]
UnomiqGateway.init(
    app_name="checkout", client_id=client_id, client_secret=client_secret,
    api_endpoint=url, token_url=url + "/token",
    resolve_unit=lambda: "customer-7", resolve_parent_unit=lambda: "reseller-1",
)
tracer = trace.get_tracer("app")
with tracer.start_as_current_span("GET /cart") as root:
    with tracer.start_as_current_span("SELECT cart") as child:
        child.set_attribute("db.system.name", "sqlite")
trace.get_tracer_provider().shutdown()
contexts = root.get_span_context(), child.get_span_context()
print(json.dumps([f"{contexts[0].trace_id:032x}"] + [f"{context.span_id:016x}" for context in contexts]))
"""

READ = """
import json, sys
from datetime import datetime, timedelta, timezone
from unomiq import Condition, QueryOperator, UnomiqEconomicsEngine
url, client_id, client_secret, app_id, trace_id, span_id = sys.argv[1:]
engine = UnomiqEconomicsEngine(
    app_id, client_id, client_secret, api_endpoint=url, token_url=url + "/token"
)
now = datetime.now(timezone.utc)
times = now - timedelta(minutes=10), now + timedelta(minutes=10)
def unit(value):
    return Condition(field="unit", op=QueryOperator.EQ, value=value)
def dump(model):
    return model.model_dump(mode="json")
print(json.dumps({
    "live": dump(engine.get_live_traces(*times)),
    "second_page": dump(engine.get_live_traces(*times, page=2, limit=1)),
    "trace": [dump(span) for span in engine.get_trace(trace_id, *times)],
    "span": [dump(span) for span in engine.get_trace(trace_id, *times, span_id=span_id)],
    "traces": dump(engine.get_traces(*times)),
    "of_unit": dump(engine.get_traces(*times, filter=unit("customer-7"))),
    "of_another": dump(engine.get_traces(*times, filter=unit("customer-8"))),
}))
engine.close()
"""


def run_script(script, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read_as(gateway, sent, app_id):
    reader = gateway.create_credential("reader", "read:traces")
    credential = reader["client_id"], reader["client_secret"]
    trace_id, _, child_id = sent
    return run_script(READ, gateway.url, *credential, app_id, trace_id, child_id)


@pytest.fixture(scope="module")
def sent(gateway):
    """The trace id, the root's and the child's span id."""
    writer = gateway.create_credential("writer", "write:traces", dataset=APP_ID)
    return run_script(SEND, gateway.url, writer["client_id"], writer["client_secret"])


@pytest.fixture(scope="module")
def read(gateway, sent):
    return read_as(gateway, sent, APP_ID)


def test_get_live_traces_lists_the_spans(read, sent):
    trace_id, root_id, child_id = sent
    spans = {span["span_id"]: span for span in read["live"]["data"]}

    assert spans.keys() == {root_id, child_id}
    assert {span["trace_id"] for span in spans.values()} == {trace_id}
    assert spans[child_id]["parent_span_id"] == root_id
    assert spans[child_id]["span_name"] == "SELECT cart"
    assert spans[root_id]["service_name"] == "checkout"
    assert read["live"]["pagination"] == {"page": 1, "limit": 20, "total": 2}


def test_pages_divide_the_spans_between_them(read):
    first, second = read["live"]["data"][:1], read["second_page"]["data"]

    assert len(second) == 1
    assert first[0]["span_id"] != second[0]["span_id"]
    assert read["second_page"]["pagination"] == {"page": 2, "limit": 1, "total": 2}


def test_get_trace_gives_every_span_whole(read, sent):
    trace_id, root_id, child_id = sent
    root, child = read["trace"]

    assert (root["span_id"], child["span_id"]) == (root_id, child_id)
    assert root["trace_id"] == child["trace_id"] == trace_id
    assert (root["unit"], root["parent_unit"]) == ("customer-7", "reseller-1")
    assert child["span_attributes"]["db.system.name"] == "sqlite"
    assert child["resource_attributes"]["service.name"] == "checkout"
    assert child["duration_ms"] == pytest.approx(
        (child["span_end_time_unix_nano"] - child["span_start_time_unix_nano"]) / 1e6
    )


def test_get_trace_gives_one_span_when_asked_for_it(read, sent):
    assert [span["span_id"] for span in read["span"]] == [sent[2]]


def test_get_traces_sums_the_trace_up(read, sent):
    (trace,) = read["traces"]["data"]

    assert (trace["trace_id"], trace["span_name"], trace["spans_count"]) == (sent[0], "GET /cart", 2)
    assert (trace["service_name"], trace["unit"]) == ("checkout", "customer-7")
    assert trace["total_cost"] == 0
    assert read["traces"]["pagination"]["total"] == 1


def test_get_traces_filters_by_unit(read):
    assert len(read["of_unit"]["data"]) == 1
    assert read["of_another"]["data"] == []


def test_another_app_id_shows_another_dataset(gateway, sent):
    elsewhere = read_as(gateway, sent, "another-app")

    assert elsewhere["live"]["data"] == elsewhere["trace"] == elsewhere["traces"]["data"] == []
