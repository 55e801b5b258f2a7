import asyncio
import os
import signal
import socket

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from helpers.components import NoConfig, Recorder, exporter_factory
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.component import Factory, Kind
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service, run_in_event_loop
from tollspan.errors import ConfigError


class Page:
    """An extension with a page of its own at the endpoint of the OTLP receiver."""

    def __init__(self, endpoint):
        self._endpoint = endpoint
        self.running = False

    async def start(self, host):
        self.host = host
        self.running = True
        host.http_server(self._endpoint).add_routes([Route("/page", self._show)])

    async def shutdown(self):
        self.running = False

    async def _show(self, request):
        return PlainTextResponse("page")


class Setting:
    """A service with an OTLP receiver, an extension and a recording exporter; nothing has started."""

    def __init__(self, endpoint="127.0.0.1:0"):
        self.page, self.recorder = Page(endpoint), Recorder()
        extension = Factory(kind=Kind.EXTENSION, type="page", config=NoConfig, build=lambda config: self.page)
        document = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": endpoint}}}},
            "exporters": {"recorder/1": None},
            "extensions": {"page": None},
            "service": {
                "extensions": ["page"],
                "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["recorder/1"]}},
            },
        }
        registry = build_registry([*FACTORIES, exporter_factory(self.recorder), extension])
        self.service = Service(document, registry, drain_deadline_s=5)


@pytest.fixture
def setting():
    return Setting()


async def test_components_that_name_the_same_endpoint_share_its_listener(setting):
    await setting.service.start()
    (url,) = {server.url for server in setting.service.http_servers.values()}
    async with httpx.AsyncClient() as http_client:
        page = await http_client.get(url + "/page")
        export = await http_client.post(
            url + "/v1/traces", headers={"content-type": "application/x-protobuf"}
        )
    await setting.service.shutdown()
    assert (page.text, export.status_code) == ("page", 200)


async def test_a_component_learns_its_id_and_finds_extensions_and_counters(setting):
    await setting.service.start()
    host = setting.recorder.host
    assert host.component_id == "recorder/1"
    assert host.extension("page") is setting.page
    assert host.counters is setting.page.host.counters is setting.service.counters
    await setting.service.shutdown()


async def test_a_listener_that_cannot_start_stops_every_component():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        setting = Setting(f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:"):
            await setting.service.start()
    assert not setting.page.running


@pytest.mark.parametrize("os_signal", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_run_after_the_drain(setting, os_signal):
    ready = []

    def on_ready():
        ready.append([server.url for server in setting.service.http_servers.values()])
        os.kill(os.getpid(), os_signal)

    await setting.service.run(on_ready)
    assert ready[0][0].startswith("http://127.0.0.1:")
    assert not setting.page.running


async def test_a_failing_component_ends_the_run_with_its_error(setting):
    first, second = OSError("the disk is gone"), OSError("and so is the rest")

    def on_ready():
        setting.page.host.fail(first)
        setting.recorder.host.fail(second)

    with pytest.raises(OSError, match="the disk is gone"):
        await setting.service.run(on_ready)
    assert not setting.page.running


async def test_a_run_that_is_cancelled_leaves_nothing_running(setting):
    ready = asyncio.Event()
    running = asyncio.create_task(setting.service.run(ready.set))
    await ready.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not setting.page.running


def test_a_wrong_configuration_is_refused_before_anything_runs():
    with pytest.raises(ExceptionGroup, match="invalid configuration"):
        Service({"receivers": {}}, build_registry(FACTORIES))


def test_a_program_runs_to_its_end():
    done = []

    async def main():
        done.append(asyncio.get_running_loop())

    run_in_event_loop(main())
    assert done[0].is_closed()
