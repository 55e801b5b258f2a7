import asyncio

import pytest

from tollspan.gateway.storage.store import Store


@pytest.fixture
def runner():
    with asyncio.Runner() as made:
        yield made


@pytest.fixture
def shared_store(runner, tmp_path):
    """One store for all examples of a property."""
    made = Store(tmp_path)
    runner.run(made.open())
    yield made
    runner.run(made.close())
