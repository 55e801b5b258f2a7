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
from tollspan.gateway.web.parts import Parts


@pytest.fixture
async def store(tmp_path):
    made = Store(tmp_path / "telemetry")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def parts(store, tmp_path):
    callers = Callers()
    return Parts(
        store=store,
        hub=Hub(),
        authenticator=callers,
        sessions=callers.sessions,
        counters=Counters(),
        stopping=asyncio.Event(),
        interface=Interface(tmp_path / "no interface"),
    )


@pytest.fixture
async def http(parts):
    transport = httpx.ASGITransport(build_app(parts))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client
