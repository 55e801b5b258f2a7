"""The web application as the gateway runs it: on a listener that it shares."""

from types import SimpleNamespace

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from helpers.service import StandInHost
from helpers.web import READER, Callers
from tollspan.gateway.components.web_extension import FACTORY, DoorKeeper, TelemetryOwner, WebConfig
from tollspan.gateway.live.hub import Hub
from tollspan.gateway.storage.store import Store
from tollspan.gateway.web.headers import SECURITY_HEADERS

ENDPOINT = "127.0.0.1:0"


@pytest.fixture
async def http(tmp_path):
    host = StandInHost(store=SimpleNamespace(store=Store(tmp_path), hub=Hub()), auth=Callers())
    extension = FACTORY.build(WebConfig(endpoint=ENDPOINT, store="store", auth="auth"))
    await extension.start(host)
    server = host.http_server(ENDPOINT)
    server.add_routes([Route("/v1/traces", lambda _: PlainTextResponse("receiver"))])
    await server.start()
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client
    await server.stop(1)
    await extension.shutdown()


async def test_its_routes_answer_over_a_socket(http):
    session = await http.get("/api/v1/session", headers=READER)

    assert session.json()["tenant"] == "acme"
    assert {name: session.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert (await http.get("/ui/some/page")).status_code in {200, 503}
    assert (await http.get("/api/v1/traces/1", headers=READER)).json()["error"]["field"] == "trace_id"


async def test_it_hides_no_other_route_of_the_listener(http):
    assert (await http.get("/v1/traces")).text == "receiver"
    assert (await http.get("/v1/other")).status_code == 404


async def test_a_method_that_a_path_has_not_is_named_as_such(http):
    response = await http.delete("/api/v1/traces", headers=READER)

    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD"


def test_extensions_of_the_wrong_kind_are_told_apart():
    assert isinstance(SimpleNamespace(store=None, hub=None), TelemetryOwner)
    assert not isinstance(SimpleNamespace(store=None), TelemetryOwner)
    assert isinstance(Callers(), DoorKeeper)
    assert not isinstance(SimpleNamespace(identity=None), DoorKeeper)
