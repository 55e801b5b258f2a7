"""The gateway's parts fit together: its own configuration is valid, and names nothing that is not there."""

import re
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from tollspan.collector import builtins
from tollspan.collector.component import Kind
from tollspan.collector.config.load import load
from tollspan.collector.config.validate import validate
from tollspan.collector.service import Service
from tollspan.gateway import components
from tollspan.gateway.commands import DEFAULT_CONFIG
from tollspan.gateway.distribution import FACTORIES, build_gateway_registry


def test_every_component_of_the_gateway_is_registered():
    folder = Path(components.__file__).parent
    modules = [import_module(f"{components.__name__}.{path.stem}") for path in folder.glob("[!_]*.py")]

    assert {module.FACTORY for module in modules} | set(builtins.FACTORIES) == set(FACTORIES)


def test_the_gateways_own_configuration_is_valid(monkeypatch):
    monkeypatch.setenv("TOLLSPAN_GATEWAY_HTTP", "127.0.0.1:1234")
    configuration = validate(load([DEFAULT_CONFIG]), build_gateway_registry())

    assert configuration.extensions == ("store", "auth", "web")
    parts = configuration.parts
    endpoints = [
        parts[Kind.RECEIVER]["otlp"].config.protocols.http.endpoint,
        parts[Kind.EXTENSION]["auth"].config.endpoint,
        parts[Kind.EXTENSION]["web"].config.endpoint,
    ]
    assert endpoints == ["127.0.0.1:1234"] * 3


def test_the_configuration_without_the_command_has_the_commands_defaults(monkeypatch):
    for name in ("HTTP", "GRPC", "DATA_DIR"):
        monkeypatch.delenv(f"TOLLSPAN_GATEWAY_{name}", raising=False)
    document = load([DEFAULT_CONFIG])

    assert document["receivers"]["otlp"]["protocols"]["http"]["endpoint"] == "127.0.0.1:8320"
    assert document["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == "127.0.0.1:8317"
    assert document["extensions"]["store"]["data_dir"] == "./tollspan-data"


def test_a_users_file_adds_a_destination_beside_the_gateways_own():
    added = {
        "exporters": {"debug": {}},
        "service": {"pipelines": {"traces": {"exporters": ["storage", "live", "debug"]}}},
    }
    configuration = validate(load([DEFAULT_CONFIG, added]), build_gateway_registry())

    [pipeline] = configuration.pipelines
    assert pipeline.components[Kind.EXPORTER] == ("storage", "live", "debug")
    assert pipeline.components[Kind.RECEIVER] == ("otlp",)


def test_every_protocol_of_the_default_receiver_asks_who_is_there():
    protocols = load([DEFAULT_CONFIG])["receivers"]["otlp"]["protocols"]

    assert {protocol: settings["auth"] for protocol, settings in protocols.items()} == {
        "grpc": {"authenticator": "auth"},
        "http": {"authenticator": "auth"},
    }


@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_a_pipeline_for_a_signal_that_cannot_be_stored_is_refused(signal):
    added = {"service": {"pipelines": {signal: {"receivers": ["otlp"], "exporters": ["storage"]}}}}

    with pytest.raises(ExceptionGroup) as refused:
        validate(load([DEFAULT_CONFIG, added]), build_gateway_registry())
    assert "does not support" in str(refused.value.exceptions[0])


@pytest.fixture
async def service(tmp_path, monkeypatch):
    """The gateway's own configuration at work, on a free port."""
    for name, value in (("HTTP", "127.0.0.1:0"), ("GRPC", "127.0.0.1:0"), ("DATA_DIR", str(tmp_path))):
        monkeypatch.setenv(f"TOLLSPAN_GATEWAY_{name}", value)
    made = Service(load([DEFAULT_CONFIG]), build_gateway_registry())
    await made.start()
    yield made
    await made.shutdown()


@pytest.mark.xdist_group("telemetry")
async def test_only_the_listed_routes_of_the_port_answer_without_credentials(service):
    [server] = service.http_servers.values()
    paths = {re.sub(r"{[^}]+}", "a" * 32, path) for path in server.paths}

    open_paths = set()
    async with httpx.AsyncClient(base_url=server.url) as http:
        for path in paths:
            for method in ("GET", "POST", "DELETE"):
                answer = await http.request(method, path, headers={"Content-Type": "application/x-protobuf"})
                if answer.status_code not in {401, 405}:
                    open_paths.add(f"{method} {path}")

    assert open_paths == {
        "GET /",
        "GET /ui",
        f"GET /ui/{'a' * 32}",
        "GET /healthz",
        "GET /readyz",
        "GET /api/openapi.json",
        "POST /api/v1/session",
        "DELETE /api/v1/session",
        "POST /token",
        "GET /.well-known/oauth-authorization-server",
        "GET /.well-known/oauth-protected-resource",
        "GET /.well-known/jwks.json",
        # No pipeline takes these signals, which is no secret.
        *(f"POST {prefix}/v1/{signal}" for prefix in ("", "/otlp") for signal in ("metrics", "logs")),
    }
