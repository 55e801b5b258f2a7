import pytest

from tollspan.gateway.storage.store import Store


@pytest.fixture
async def store(tmp_path):
    made = Store(tmp_path / "telemetry")
    await made.open()
    yield made
    await made.close()
