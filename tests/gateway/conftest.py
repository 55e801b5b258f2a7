import pytest

from helpers.stores import open_store


@pytest.fixture
async def store(tmp_path):
    """An open telemetry store. A process can have only one."""
    async with open_store(tmp_path / "telemetry") as opened:
        yield opened
