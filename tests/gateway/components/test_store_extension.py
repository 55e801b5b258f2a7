import pytest

from helpers.service import StandInHost
from helpers.spans import batch, span
from tollspan.gateway.components.store_extension import FACTORY, StoreConfig
from tollspan.gateway.live.hub import HubOwner
from tollspan.gateway.query import spans
from tollspan.gateway.storage.store import StoreOwner

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
