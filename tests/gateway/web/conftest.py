"""The web application over a real store, called without a socket in between."""

import asyncio

import httpx
import pytest

from helpers.web import Callers
from tollspan.collector.events import Counters
from tollspan.gateway.live.hub import Hub
from tollspan.gateway.storage.store import Store
from tollspan.gateway.web.app import build_app
from tollspan.gateway.web.interface import Interface
from tollspan.gateway.web.parts import Parts, Telemetry


@pytest.fixture
async def parts(tmp_path):
    callers = Callers()
    made = Parts(
        telemetry=Telemetry(Store(tmp_path / "telemetry"), Hub()),
        authenticator=callers,
        identity=callers.identity(),
        counters=Counters(),
        stopping=asyncio.Event(),
        interface=Interface(tmp_path / "no interface"),
    )
    yield made
    # Also without the store fixture: a route that asks whether all is well opens the database.
    await made.store.close()


@pytest.fixture
async def store(parts):
    """The store, open; without it the application has one that cannot be asked."""
    await parts.store.open()
    return parts.store


@pytest.fixture
async def http(parts):
    transport = httpx.ASGITransport(build_app(parts))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client
