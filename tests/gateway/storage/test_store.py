import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import killed_writer
from helpers.killed_writer import SPANS, numbered_batch
from helpers.projections import agreed
from helpers.spans import batch, span
from helpers.stores import open_store
from tollspan.collector.component import Receipt
from tollspan.errors import StoreError, WireError
from tollspan.gateway.query import spans, traces
from tollspan.gateway.query.attribute_catalogue import find_attribute_keys
from tollspan.gateway.query.red import find_red
from tollspan.gateway.query.service_edges import find_service_edges
from tollspan.gateway.query.time_range import ALWAYS, SLOT_S
from tollspan.gateway.query.traces import TraceQuery
from tollspan.gateway.storage.store import Store
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


async def span_counts(store):
    """How many spans there are of each numbered request."""
    counted = await traces.page_traces(store.view("acme"), TraceQuery(), page=1, limit=100_000)
    return {int(trace.trace_id, 16) - 1: trace.spans for trace in counted.traces}


async def test_what_is_acknowledged_can_be_read_at_once(store):
    made = span("visible")
    assert await store.write(batch(made)) == Receipt()
    found = await spans.get_span(store.view("acme"), made.trace_id.hex(), made.span_id.hex())
    assert found.name == "visible"


async def test_a_broken_request_is_refused_and_others_are_not(store):
    broken = Batch(Signal.TRACES, b"\x0a\xff", 1, "acme", "default")
    answers = await asyncio.gather(store.write(broken), store.write(batch(span())), return_exceptions=True)
    assert isinstance(answers[0], WireError)
    assert answers[1] == Receipt()


async def test_everything_is_there_when_the_store_is_opened_again(tmp_path):
    made = span("lasting")
    for _ in range(2):
        async with open_store(tmp_path) as store:
            await store.write(batch(made))
            found = await spans.trace_spans(store.view("acme"), made.trace_id.hex())
        assert [own.name for own in found] == ["lasting"]


async def test_a_directory_has_one_store(store, tmp_path):
    script = (
        "import asyncio, pathlib, sys; from tollspan.gateway.storage.store import Store; "
        "asyncio.run(Store(pathlib.Path(sys.argv[1])).open())"
    )
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path / "telemetry"), stderr=subprocess.PIPE
    )
    _, output = await second.communicate()
    assert second.returncode == 1
    assert b"is in use by another process" in output


async def test_a_view_is_of_its_tenant_and_datasets_alone(store):
    shared_trace, shared_span = os.urandom(16), os.urandom(8)
    ids = {"trace_id": shared_trace, "span_id": shared_span}
    for tenant in ("acme", "rival"):
        for dataset in ("shop", "bank"):
            await store.write(batch(span(f"{tenant} {dataset}", **ids), tenant=tenant, dataset=dataset))
    seen = {
        (tenant, datasets): await names_seen(store.view(tenant, datasets), shared_trace.hex())
        for tenant in ("acme", "rival", "nobody", "")
        for datasets in ((), ("shop",), ("shop", "bank"), ("other",), ("",))
    }
    for (tenant, datasets), names in seen.items():
        wanted = datasets or ("shop", "bank")
        sent = [f"{tenant} {dataset}" for dataset in ("shop", "bank") if dataset in wanted]
        assert names == (sorted(sent) if tenant in {"acme", "rival"} else [])


async def names_seen(view, trace_id):
    """The names that every question agrees on."""
    by_trace = sorted(found.name for found in await spans.trace_spans(view, trace_id))
    page = await spans.live_spans(view, ALWAYS, page=1, limit=10)
    whole = await traces.get_trace(view, trace_id)
    listed = (await traces.find_traces(view, TraceQuery(), limit=10)).traces
    numbered = await traces.page_traces(view, TraceQuery(), page=1, limit=10)
    assert sorted(found.name for found in page.spans) == by_trace
    assert sorted(whole.names if whole else []) == by_trace
    assert (
        [trace.spans for trace in listed]
        == [trace.spans for trace in numbered.traces]
        == [len(by_trace)] * bool(by_trace)
    )
    assert (
        sum(found.spans for found in await traces.find_services(view, ALWAYS)) == page.total == len(by_trace)
    )
    return by_trace


def run_writer(path, first, count, resent, kill_after=None):
    """The numbers that the writer has sent and those that it says are stored, until it ends or is killed."""
    sent, stored = set(), set()
    process = subprocess.Popen(
        [
            sys.executable,
            killed_writer.__file__,
            str(path),
            str(first),
            str(count),
            *map(str, sorted(resent)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(killed_writer.__file__).parents[1])},
    )
    with process:
        for line in process.stdout:
            word, number = line.split()
            (sent if word == "sent" else stored).add(int(number))
            if word == "stored" and len(stored) == kill_after:
                process.kill()
    assert process.returncode == (0 if kill_after is None else -9)
    return sent, stored


@pytest.mark.timeout(300)
async def test_a_killed_store_has_what_it_acknowledged_once_and_a_resend_adds_nothing(tmp_path):
    sent, stored = set(), set()
    for _ in range(4):
        # Among what is offered again is some that was acknowledged: its answer was lost on the way.
        resent = (sent - stored) | set(random.sample(sorted(stored), len(stored) // 4))
        offered, acknowledged = run_writer(
            tmp_path, len(sent), 10_000, resent, kill_after=random.randint(50, 250)
        )
        sent |= offered
        stored |= acknowledged
        # New numbers are sent in order, so none is left out below the highest.
        assert sent == set(range(len(sent)))
    async with open_store(tmp_path) as store:
        counts = await span_counts(store)
        assert stored <= counts.keys() <= sent
        assert set(counts.values()) == {SPANS}
        await asyncio.gather(*(store.write(numbered_batch(number)) for number in sent))
        assert await span_counts(store) == dict.fromkeys(sent, SPANS)
        [edge] = await find_service_edges(store.view("acme"), ALWAYS)
        assert edge.calls == len(sent)
        red = await find_red(store.view("acme"), ALWAYS, step_s=SLOT_S)
        assert sum(step.spans for service in red for step in service.steps) == len(sent) * SPANS
        [key] = await find_attribute_keys(store.view("acme"), ALWAYS)
        assert key.spans == len(sent) * SPANS
        agreed(store._engine, [killed_writer.trace_id(number) for number in sent])


async def test_telemetry_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    async with open_store(tmp_path) as store:
        store._engine.execute("INSERT INTO schema_migrations (name) VALUES ('9999_future')")
    newer = Store(tmp_path)
    with pytest.raises(StoreError, match=r"written by a newer Tollspan \(9999_future\); run that version"):
        await newer.open()
    await newer.close()
