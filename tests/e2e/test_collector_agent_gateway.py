"""The agent and gateway of deploy/kubernetes/agent-gateway.yaml: two gateways sample whole traces."""

import asyncio
import contextlib
import random
from pathlib import Path

import httpx
import pytest
import yaml

from helpers.otlp_peer import running_peer
from helpers.processors import trace_request
from helpers.requests import OTLP
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.load import load
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service

MANIFEST = Path(__file__).parents[2] / "deploy" / "kubernetes" / "agent-gateway.yaml"
LOCAL = {"endpoint": "127.0.0.1:0"}
SPANS, TRACES = 4, 30


def configuration(name):
    """What the ConfigMap of that name holds."""
    documents = yaml.safe_load_all(MANIFEST.read_text())
    found = [d for d in documents if d["kind"] == "ConfigMap" and d["metadata"]["name"] == name]
    return found[0]["data"]["config.yaml"]


@contextlib.asynccontextmanager
async def running(name, overlay, environment, monkeypatch):
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    service = Service(load([f"yaml:{configuration(name)}", overlay]), build_registry(FACTORIES))
    await service.start()
    try:
        yield service
    finally:
        await service.shutdown()


def gateway(folder, peer):
    for name, text in (("client-id", "a"), ("client-secret", "b")):
        (folder / name).write_text(text)
    files = {"client_id_file": str(folder / "client-id"), "client_secret_file": str(folder / "client-secret")}
    overlay = {
        "receivers": {"otlp": {"protocols": {"grpc": LOCAL}}},
        "processors": {
            "tail_sampling": {
                "decision_wait": "1h",
                "policies": [
                    {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
                ],
            },
            "batch": {"timeout": "50ms"},
        },
        "extensions": {"health_check": LOCAL, "oauth2client": files},
    }
    return overlay, {"OTLP_ENDPOINT": peer.url, "TOKEN_URL": f"{peer.url}/token"}


def agent(folder, addresses):
    return {
        "receivers": {"otlp": {"protocols": {"grpc": LOCAL, "http": LOCAL}}},
        "exporters": {
            "loadbalancing": {
                "protocol": {"otlp": {"timeout": "60s"}},  # an attempt that is given up may have arrived
                "resolver": {"static": {"hostnames": addresses}},
            }
        },
        "extensions": {"health_check": LOCAL, "file_storage": {"directory": str(folder / "queue")}},
    }


async def accepted(gateways, spans):
    """How many spans each gateway has, once they have so many together; then their end decides."""
    async with asyncio.timeout(50):
        while True:
            seen = [g.counters.total("otelcol_receiver_accepted_spans") for g in gateways]
            if sum(seen) == spans:
                return seen
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("small_process")
async def test_every_trace_with_an_error_arrives_whole_and_no_other(tmp_path, monkeypatch):
    spans = [(trace, number) for trace in range(TRACES) for number in range(SPANS)]
    random.Random(1).shuffle(spans)
    with running_peer(token_lifetime_s=3600) as peer:
        overlay, environment = gateway(tmp_path, peer)
        async with contextlib.AsyncExitStack() as stack:
            gateways = [
                await stack.enter_async_context(
                    running("collector-gateway", overlay, environment, monkeypatch)
                )
                for _ in range(2)
            ]
            addresses = [server.address for g in gateways for server in g.grpc_servers.values()]
            sidecar = await stack.enter_async_context(
                running("collector-agent", agent(tmp_path, addresses), {"NODE_NAME": "n1"}, monkeypatch)
            )
            urls = [server.url for server in sidecar.http_servers.values()]
            async with httpx.AsyncClient() as client:
                for trace, number in spans:  # the spans of a trace come one by one, in any order
                    failed = trace % 3 == 0 and number == 0
                    span = {
                        "trace_id": bytes([trace + 1]) * 16,
                        "name": f"{trace}/{number}",
                        "status": 2 if failed else 0,
                    }
                    body = trace_request(span).SerializeToString()
                    await client.post(f"{urls[0]}/v1/traces", content=body, headers=OTLP)
            seen = await accepted(gateways, len(spans))
    assert sorted(peer.stored.elements()) == sorted(f"{t}/{n}" for t, n in spans if t % 3 == 0)
    assert min(seen) > 0
