import asyncio
import time

import msgspec
import pytest

from helpers.service import StandInHost
from helpers.spans import batch, span
from helpers.stores import new_writer, open_engine
from tollspan.gateway.components.store_extension import FACTORY, RetentionConfig, StoreConfig
from tollspan.gateway.live.hub import HubOwner
from tollspan.gateway.query import spans, traces
from tollspan.gateway.query.time_range import ALWAYS
from tollspan.gateway.storage import store as store_module
from tollspan.gateway.storage.store import StoreOwner
from tollspan.gateway.storage.upkeep import KEEP_ALL
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")


async def test_the_store_lives_from_start_to_shutdown(tmp_path):
    made = span("kept")
    for _ in range(2):
        extension = FACTORY.build(StoreConfig(data_dir=str(tmp_path)))
        await extension.start(StandInHost())
        await extension.store.write(batch(made))
        found = await spans.trace_spans(extension.store.view("acme"), made.trace_id.hex())
        await extension.shutdown()
        assert [own.name for own in found] == ["kept"]
    assert (tmp_path / "telemetry").is_dir()


def test_it_can_be_referred_to_before_it_has_started(tmp_path):
    extension = FACTORY.build(StoreConfig(data_dir=str(tmp_path)))
    assert isinstance(extension, StoreOwner)
    assert isinstance(extension, HubOwner)


def test_a_directory_that_the_database_would_take_for_another_is_refused():
    [problem] = StoreConfig(data_dir="data?").problems()
    assert (problem.path, problem.problem) == ("data_dir", 'must not contain "?"')
    assert not list(StoreConfig(data_dir="data").problems())


def test_retention_is_set_in_days_by_signal_and_dataset():
    document = {
        "data_dir": "data",
        "retention": {"traces_days": 30, "datasets": {"shop": {"traces_days": 90, "logs_days": 7}}},
    }
    retention = msgspec.convert(document, StoreConfig).retention.retention()
    assert retention.days == {Signal.TRACES: 30}
    assert retention.datasets == {"shop": {Signal.TRACES: 90, Signal.LOGS: 7}}
    assert StoreConfig(data_dir="data").retention.retention() == KEEP_ALL
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"data_dir": "data", "retention": {"logs_days": 0}}, StoreConfig)


async def test_what_is_too_old_is_gone_soon_after_the_start(tmp_path, monkeypatch):
    old_ns = time.time_ns() - 3 * 24 * 3600 * 10**9
    with open_engine(tmp_path / "telemetry") as engine:
        new_writer(engine, clock_ns=lambda: old_ns).write([batch(span("old", start=old_ns))])
    monkeypatch.setattr(store_module, "UPKEEP_INTERVAL_S", 0.01)
    extension = FACTORY.build(StoreConfig(data_dir=str(tmp_path), retention=RetentionConfig(traces_days=1)))
    await extension.start(StandInHost())
    try:
        async with asyncio.timeout(30):
            while await traces.find_services(extension.store.view("acme"), ALWAYS):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
    finally:
        await extension.shutdown()
