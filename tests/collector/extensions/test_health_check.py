import contextlib

import httpx
import pytest

from helpers.otlp_peer import Answer, running_peer
from helpers.requests import OTLP, TraceRequest
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.decode import Decoding
from tollspan.collector.extensions.health_check import HealthCheckConfig
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service


@contextlib.asynccontextmanager
async def running(peer, **health_check):
    config = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}},
        "exporters": {
            "otlp_http": {
                "endpoint": peer.url,
                "retry_on_failure": {"initial_interval": "1ms", "max_interval": "10ms"},
            }
        },
        "extensions": {"health_check": {"endpoint": "localhost:0", **health_check}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_http"]}},
        },
    }
    service = Service(config, build_registry(FACTORIES), drain_deadline_s=5)
    await service.start()
    health, intake = (server.url for server in service.http_servers.values())
    try:
        async with httpx.AsyncClient() as client:
            await client.post(f"{intake}/v1/traces", content=TraceRequest(1).wire, headers=OTLP)
            yield lambda path: client.get(health + path)
    finally:
        peer.always = Answer(stores=True)
        await service.shutdown()


async def until(ask, path, status):
    while (answer := await ask(path)).status_code != status:
        pass
    return answer


async def test_a_collector_that_delivers_is_alive_and_ready():
    with running_peer() as peer:
        async with running(peer) as ask:
            alive, ready = await ask("/"), await ask("/ready")
    assert (alive.status_code, ready.status_code) == (200, 200)
    assert alive.json()["status"] == "Server available"
    assert alive.json()["upSince"]


async def test_while_exports_fail_it_is_alive_and_not_ready_and_says_why():
    with running_peer() as peer:
        peer.always = Answer(503)
        async with running(peer) as ask:
            ready = await until(ask, "/ready", 503)
            alive = await ask("/")
            peer.always = Answer(stores=True)
            await until(ask, "/ready", 200)
    assert alive.status_code == 200
    assert alive.json()["unwell"]["exporters::otlp_http"]["failures"] >= 5
    assert ready.json()["status"] == "Server not available"
    assert "503" in ready.json()["unwell"]["exporters::otlp_http"]["reason"]


async def test_the_pipelines_can_decide_about_the_configured_path():
    with running_peer() as peer:
        peer.always = Answer(503)
        checks = {"enabled": True, "exporter_failure_threshold": 1}
        body = {"healthy": "fine", "unhealthy": "not fine"}
        settings = {"path": "/health", "check_collector_pipeline": checks, "response_body": body}
        async with running(peer, **settings) as ask:
            answer = await until(ask, "/health", 503)
            assert answer.text == "not fine"
            peer.always = Answer(stores=True)
            assert (await until(ask, "/health", 200)).text == "fine"


@pytest.mark.parametrize("path", ["health", "/ready"])
def test_a_path_that_cannot_be_is_refused(path):
    decoding = Decoding()
    decoding.struct(HealthCheckConfig, {"path": path}, "extensions::health_check")
    assert [problem.path for problem in decoding.problems] == ["extensions::health_check::path"]
