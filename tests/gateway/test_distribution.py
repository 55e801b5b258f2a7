"""The gateway's parts fit together: its own configuration is valid, and names nothing that is not there."""

import re
from contextlib import asynccontextmanager
from importlib import import_module
from itertools import combinations
from pathlib import Path

import httpx
import pytest

from tollspan.collector import builtins
from tollspan.collector.component import Kind
from tollspan.collector.config.load import load
from tollspan.collector.config.validate import validate
from tollspan.collector.service import Service
from tollspan.errors import StoreError
from tollspan.gateway import components
from tollspan.gateway.authserver.published_keys import PublishedKeys
from tollspan.gateway.authserver.signing_keys import SigningKeys
from tollspan.gateway.commands import DEFAULT_CONFIG
from tollspan.gateway.distribution import FACTORIES, ROLES, build_gateway_registry, keep_roles
from tollspan.gateway.storage.engine import Engine

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


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

    pipelines = {pipeline.id: pipeline.components for pipeline in configuration.pipelines}
    assert pipelines["traces"][Kind.EXPORTER] == ("storage", "live", "debug")
    assert pipelines["logs"][Kind.EXPORTER] == pipelines["metrics"][Kind.EXPORTER] == ("storage", "live")
    assert {components[Kind.RECEIVER] for components in pipelines.values()} == {("otlp",)}


def test_every_protocol_of_the_default_receiver_asks_who_is_there():
    protocols = load([DEFAULT_CONFIG])["receivers"]["otlp"]["protocols"]

    assert {protocol: settings["auth"] for protocol, settings in protocols.items()} == {
        "grpc": {"authenticator": "auth"},
        "http": {"authenticator": "auth"},
    }


@pytest.fixture
async def service(tmp_path, monkeypatch):
    """The gateway's own configuration at work, on a free port."""
    async with running(tmp_path, monkeypatch, ROLES) as made:
        yield made


@asynccontextmanager
async def running(folder, monkeypatch, roles):
    for name, value in (("HTTP", "127.0.0.1:0"), ("GRPC", "127.0.0.1:0"), ("DATA_DIR", str(folder))):
        monkeypatch.setenv(f"TOLLSPAN_GATEWAY_{name}", value)
    document = load([DEFAULT_CONFIG, {"extensions": {"auth": {"issuer": "https://auth.example"}}}])
    registry, has_pipelines = build_gateway_registry(), "ingest" in roles
    made = Service(keep_roles(document, roles), registry, pipelines_required=has_pipelines)
    await made.start()
    try:
        yield made
    finally:
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
        "GET /metrics",
        "GET /api/openapi.json",
        "POST /api/v1/session",
        "DELETE /api/v1/session",
        "GET /api/v1/session/oidc",
        "GET /api/v1/session/oidc/callback",
        "GET /api/v1/session/ways",
        "POST /api/v1/owner",
        "POST /token",
        "POST /revoke",
        "POST /introspect",
        "GET /.well-known/oauth-authorization-server",
        "GET /.well-known/openid-configuration",
        "GET /.well-known/oauth-protected-resource",
        "GET /.well-known/jwks.json",
    }


@pytest.mark.xdist_group("telemetry")
async def test_what_an_answer_says_is_allowed_at_a_path_is_what_is_allowed(service):
    [server] = service.http_servers.values()
    paths = {re.sub(r"{[^}]+}", "a" * 32, path) for path in server.paths}
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        for path in paths:
            answers = {method: await http.request(method, path) for method in METHODS}
            refused = {method for method, answer in answers.items() if answer.status_code == 405}
            assert refused, path
            for method in refused:
                allowed = set(answers[method].headers["allow"].split(", "))
                assert allowed == set(METHODS) - refused, (path, method)


ROLE_SETS = [roles for size in range(1, 5) for roles in combinations(ROLES, size)]
ROUTES = {
    "ingest": {"/v1/traces", "/otlp/v1/logs", "/v1/init"},
    "query": {"/api/v1/traces", "/api/v1/live", "/traces/live", "/api/v1/units/{unit:path}"},
    "auth": {"/token", "/revoke", "/introspect", "/.well-known/jwks.json"},
    "ui": {"/ui/{path:path}", "/api/v1/session", "/api/v1/credentials", "/api/v1/audit"},
}
"""Some that only processes with that role have."""

ROUTES_OF_ALL = {"/healthz", "/readyz", "/metrics", "/api/v1/status"}


@pytest.mark.xdist_group("telemetry")
async def test_every_set_of_roles_has_its_routes_and_says_truly_whether_it_is_ready(tmp_path, monkeypatch):
    for roles in ROLE_SETS:
        async with running(tmp_path, monkeypatch, roles) as service:
            [server] = service.http_servers.values()
            wanted = ROUTES_OF_ALL.union(*(ROUTES[role] for role in roles))
            assert set(server.paths) & (ROUTES_OF_ALL.union(*ROUTES.values())) == wanted, roles
            async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
                await check_readiness(http, server, service, roles, monkeypatch)


async def check_readiness(http, server, service, roles, monkeypatch):
    checks = {"identity"}
    faults = {"identity": (PublishedKeys, "check")}
    if "auth" in roles:
        checks |= {"signing_key"}
        faults |= {"signing_key": (SigningKeys, "check")}
    if set(roles) != {"auth"}:
        checks |= {"disk", "database"}
        faults |= {"database": (Engine, "rows")}
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"].keys()) == (200, checks), roles
    for name, (owner, method) in faults.items():
        with monkeypatch.context() as broken:
            broken.setattr(owner, method, refuse)
            answer = await http.get("/readyz")
            assert answer.status_code == 503, (roles, name)
            assert answer.json()["error"]["message"] == f"not ready: {name}; the log says why", roles
            assert (await http.get("/healthz")).status_code == 200
    metrics = await http.get("/metrics")
    assert metrics.status_code == 200
    assert ("tollspan_store_disk_free_bytes" in metrics.text) == ("disk" in checks)
    server.stopping.set()
    assert (await http.get("/readyz")).status_code == 503


def refuse(*_):
    raise StoreError("it is gone")


@pytest.mark.parametrize(
    ("roles", "extensions", "pipelines"),
    [
        (ROLES, ["store", "auth", "web"], 3),
        (("auth",), ["auth", "web"], 0),
        (("ingest",), ["store", "auth", "web"], 3),
        (("query", "ui"), ["store", "auth", "web"], 0),
    ],
    ids=str,
)
def test_a_process_has_the_parts_that_its_roles_need(roles, extensions, pipelines):
    document = load([DEFAULT_CONFIG, {"extensions": {"auth": {"issuer": "https://auth.example"}}}])
    kept = keep_roles(document, roles)
    configuration = validate(kept, build_gateway_registry(), pipelines_required="ingest" in roles)

    assert list(configuration.extensions) == extensions
    assert len(configuration.pipelines) == pipelines
    assert configuration.parts[Kind.EXTENSION]["auth"].config.issues_tokens == ("auth" in roles)
    assert document["service"]["pipelines"]


def test_a_process_that_issues_no_tokens_must_be_told_whose_it_takes():
    with pytest.raises(ExceptionGroup) as refused:
        validate(keep_roles(load([DEFAULT_CONFIG]), ["ingest"]), build_gateway_registry())

    assert [error.path for error in refused.value.exceptions] == ["extensions::auth::issuer"]
