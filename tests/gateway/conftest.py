import pytest

from helpers.postgresql import postgresql_server
from helpers.stores import open_store


@pytest.fixture
async def store(tmp_path):
    """An open telemetry store. A process can have only one."""
    async with open_store(tmp_path / "telemetry") as opened:
        yield opened


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of this test run."""
    with postgresql_server() as server:
        yield server
