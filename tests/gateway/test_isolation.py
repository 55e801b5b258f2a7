"""Every route of the running gateway, by every permission, and from another tenant.

The routes are taken from the gateway's own tables, so a new one is tested with its first commit.
"""

import asyncio
import os
import re
import time

import httpx
import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from helpers.signals import log_request, metric_request, trace_request
from tollspan.collector.config.load import load
from tollspan.collector.service import Service
from tollspan.gateway.authserver.credential import CredentialDraft
from tollspan.gateway.authserver.permissions import PERMISSIONS, ROLES
from tollspan.gateway.commands import DEFAULT_CONFIG
from tollspan.gateway.distribution import build_gateway_registry
from tollspan.gateway.web.access import PUBLIC, SIGNED_IN
from tollspan.gateway.web.app import ENDPOINTS, STREAM, Endpoint
from tollspan.otlp.signals import Signal

pytestmark = pytest.mark.xdist_group("telemetry")

OTLP = {"Content-Type": "application/x-protobuf"}
MARK = "rival-secret"
INTAKE = [
    Endpoint("POST", f"{prefix}/v1/{signal.value}", time.time, signal.write_permission)
    for prefix in ("", "/otlp")
    for signal in Signal
]
STREAMS = [endpoint for endpoint in ENDPOINTS if endpoint.options is STREAM]
[METRICS] = [endpoint for endpoint in ENDPOINTS if endpoint.path == "/metrics"]
GUARDED = [endpoint for endpoint in (*ENDPOINTS, *INTAKE) if endpoint.permission != PUBLIC]


@pytest.fixture
async def gateway(tmp_path, monkeypatch):
    """The gateway's own configuration at work: its stores of identity, and a client of its one port."""
    for name, value in (("HTTP", "127.0.0.1:0"), ("GRPC", "127.0.0.1:0"), ("DATA_DIR", str(tmp_path))):
        monkeypatch.setenv(f"TOLLSPAN_GATEWAY_{name}", value)
    service = Service(load([DEFAULT_CONFIG]), build_gateway_registry())
    await service.start()
    [server] = service.http_servers.values()
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
        yield service.extension("auth").identity(), http, {route.path for route in server._routes}
    await service.shutdown()


def create(identity, tenant, permissions=PERMISSIONS, kind="api_key"):
    return identity.credentials.create(CredentialDraft("test", tuple(permissions), kind=kind, tenant=tenant))


def bearer(issued):
    return {"Authorization": f"Bearer {issued.secret.reveal()}"}


def address(endpoint, values):
    return re.sub(r"{(\w+)[^}]*}", lambda match: values.get(match[1], "none"), endpoint.path)


async def call(http, endpoint, headers, values=()):
    """The answer's status; of a stream's, without its endless body."""
    body = {"json": {}} if endpoint.method == "POST" and endpoint not in INTAKE else {}
    more = OTLP if endpoint in INTAKE else {}
    path = address(endpoint, dict(values))
    async with http.stream(endpoint.method, path, headers=headers | more, **body) as response:
        text = "" if endpoint in STREAMS else (await response.aread()).decode()
        return response.status_code, text


async def sign_in(identity, permissions):
    session_id = await asyncio.to_thread(identity.sessions.open, "someone", "acme", permissions)
    return {"Cookie": f"tollspan_session={session_id.reveal()}", "X-Tollspan-Page": "1"}


def test_no_intake_route_is_missing_here():
    assert len(INTAKE) == 6


async def test_each_route_is_open_to_its_permission_and_to_no_other(gateway):
    identity, http, _ = gateway
    wrong = []
    for held in PERMISSIONS:
        headers = bearer(create(identity, "acme", [held]))
        for endpoint in GUARDED:
            status, _ = await call(http, endpoint, headers)
            allowed = endpoint.permission in {SIGNED_IN, held}
            if status in {401, 500} or (status == 403) == allowed:
                wrong.append(f"{endpoint.method} {endpoint.path} by {held}: {status}")

    assert wrong == []


async def test_a_session_opens_every_route_of_its_role_and_never_the_intake(gateway):
    identity, http, _ = gateway
    viewer = await sign_in(identity, ROLES["viewer"])
    open_to = {SIGNED_IN, *ROLES["viewer"]}

    for endpoint in GUARDED:
        status, _ = await call(http, endpoint, viewer)
        if endpoint in INTAKE:
            assert status == 401, endpoint.path
        else:
            assert (status == 403) == (endpoint.permission not in open_to), endpoint.path


async def test_each_route_refuses_what_proves_nobody(gateway):
    identity, http, _ = gateway
    revoked = create(identity, "acme")
    identity.credentials.revoke(revoked.credential.id)
    nobodies = [{}, {"Authorization": "Bearer x"}, {"Cookie": "tollspan_session=x"}, bearer(revoked)]

    answered = {
        f"{endpoint.method} {endpoint.path}": [(await call(http, endpoint, one))[0] for one in nobodies]
        for endpoint in GUARDED
    }
    assert answered == dict.fromkeys(answered, [401] * len(nobodies))


async def test_a_session_changes_nothing_for_a_page_of_another_site(gateway):
    identity, http, _ = gateway
    session = await sign_in(identity, PERMISSIONS)
    del session["X-Tollspan-Page"]

    changing = [endpoint for endpoint in GUARDED if endpoint.method != "GET"]
    assert {(await call(http, endpoint, session))[0] for endpoint in changing} == {401}


async def test_every_route_of_the_port_is_declared_or_known_to_be_public(gateway):
    _, _, paths = gateway
    declared = {endpoint.path for endpoint in (*ENDPOINTS, *INTAKE)}

    assert paths - declared == {
        "/token",
        "/revoke",
        "/introspect",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource",
        "/.well-known/jwks.json",
    }


async def send_everything(http, headers, mark, trace_id):
    """One of every signal, with `mark` wherever a sender can put a text."""
    spans, metrics, logs = trace_request(), metric_request(), log_request()
    marked = KeyValue(key=mark)
    marked.value.string_value = mark
    service = KeyValue(key="service.name")
    service.value.string_value = mark
    now = time.time_ns()
    for number, span in enumerate(spans.resource_spans[0].scope_spans[0].spans):
        span.trace_id, span.name = trace_id, mark
        span.start_time_unix_nano, span.end_time_unix_nano = now + number, now + number + 1000
        unit = span.attributes.add(key="tollspan.unit")
        unit.value.string_value = mark
        span.attributes.append(marked)
        span.events.add(name=mark, time_unix_nano=now)
    metric = metrics.resource_metrics[0].scope_metrics[0].metrics[0]
    metric.name, metric.unit, metric.description = "load", mark, mark
    for point in metric.gauge.data_points:
        point.time_unix_nano = now
        point.attributes.append(marked)
    record = logs.resource_logs[0].scope_logs[0].log_records[0]
    record.time_unix_nano, record.trace_id, record.body.string_value = now, trace_id, mark
    record.attributes.append(marked)
    for signal, request in ((Signal.TRACES, spans), (Signal.METRICS, metrics), (Signal.LOGS, logs)):
        [resource] = getattr(request, f"resource_{'spans' if signal is Signal.TRACES else signal.value}")
        resource.resource.attributes.append(service)
        answer = await http.post(
            f"/v1/{signal.value}", content=request.SerializeToString(), headers=headers | OTLP
        )
        assert answer.status_code == 200, answer.text


async def test_nothing_that_is_anothers_is_shown_or_changed_by_any_route(gateway):
    """Both tenants use the same ids wherever these are the senders' to choose."""
    identity, http, _ = gateway
    ours, theirs = create(identity, "acme"), create(identity, "rival")
    target = identity.credentials.create(CredentialDraft(MARK, ("read:traces",), tenant="rival")).credential
    trace_id = os.urandom(16)
    await send_everything(http, bearer(theirs) | {"X-Tollspan-Dataset": MARK}, MARK, trace_id)
    await send_everything(http, bearer(ours), "ours", trace_id)
    values = {
        "trace_id": trace_id.hex(),
        "span_id": (b"\1" * 8).hex(),
        "name": "load",
        "credential_id": target.id,
        "unit": MARK,
    }

    shown = {}
    for endpoint in (METRICS, *GUARDED):
        if endpoint not in STREAMS and endpoint not in INTAKE:
            shown[f"{endpoint.method} {endpoint.path}"] = await call(http, endpoint, bearer(ours), values)

    leaks = [path for path, (_, text) in shown.items() if MARK in text or target.id in text]
    assert leaks == []
    assert [path for path, (status, _) in shown.items() if status >= 500] == []
    assert "ours" in shown["GET /api/v1/traces"][1]
    assert "ours" in shown["GET /api/v1/traces/{trace_id}"][1]
    assert identity.credentials.find(target.id) == target
    for path in (f"/api/v1/traces/{trace_id.hex()}", "/api/v1/logs", "/api/v1/metrics"):
        assert MARK in (await http.get(path, headers=bearer(theirs))).text, path


async def test_what_is_anothers_is_answered_as_what_is_not_there(gateway):
    """Else an id could be tried, to learn whether someone has it."""
    identity, http, _ = gateway
    ours, theirs = create(identity, "acme"), create(identity, "rival")
    target = identity.credentials.create(CredentialDraft(MARK, ("read:traces",), tenant="rival")).credential
    trace_id, nobodys_id, nobodys_trace_id = os.urandom(16), "a" * 16, os.urandom(16)
    await send_everything(http, bearer(theirs), MARK, trace_id)
    there = {"trace_id": trace_id.hex(), "credential_id": target.id, "name": MARK, "unit": MARK}
    nowhere = {
        "trace_id": nobodys_trace_id.hex(),
        "credential_id": nobodys_id,
        "name": "nothing",
        "unit": "nobody",
    }
    span = {"span_id": (b"\1" * 8).hex()}

    for endpoint in GUARDED:
        if "{" in endpoint.path and endpoint not in INTAKE:
            answers = [await call(http, endpoint, bearer(ours), ids | span) for ids in (there, nowhere)]
            blind = [
                (status, without(text, ids))
                for (status, text), ids in zip(answers, (there, nowhere), strict=True)
            ]
            assert blind[0] == blind[1], endpoint.path


def without(text, ids):
    """The text with each id replaced by what it is the id of."""
    for name, value in ids.items():
        text = text.replace(value, name)
    return text


async def test_anothers_cursor_leads_to_nothing_of_theirs(gateway):
    identity, http, _ = gateway
    ours, theirs = create(identity, "acme"), create(identity, "rival")
    for key, mark in ((ours, "ours"), (theirs, MARK), (theirs, MARK)):
        await send_everything(http, bearer(key), mark, os.urandom(16))
    for path in ("/api/v1/traces", "/api/v1/logs"):
        page = (await http.get(path, params={"limit": 1}, headers=bearer(theirs))).json()
        assert page["next_cursor"], path
        taken = await http.get(path, params={"cursor": page["next_cursor"]}, headers=bearer(ours))
        assert taken.status_code == 200
        assert MARK not in taken.text


async def test_a_token_in_the_query_proves_nothing(gateway):
    identity, http, _ = gateway
    key = {"access_token": create(identity, "acme").secret.reveal()}
    for endpoint in GUARDED:
        path = address(endpoint, {})
        answer = await http.request(endpoint.method, path, params=key, headers=OTLP)
        assert answer.status_code == 401, endpoint.path


async def test_what_another_has_is_not_found_by_its_attributes(gateway):
    """By every route that takes conditions on attributes, which the API's description names."""
    identity, http, _ = gateway
    ours, theirs = create(identity, "acme"), create(identity, "rival")
    description = (await http.get("/api/openapi.json", headers=bearer(ours))).json()
    filtered = {
        path: [own["name"] for own in methods["get"]["parameters"] if "attribute" in own["name"]]
        for path, methods in description["paths"].items()
        if any("attribute" in own["name"] for own in methods.get("get", {}).get("parameters", []))
    }
    assert set(filtered) == {"/api/v1/traces", "/api/v1/logs", "/api/v1/metrics/{name}"}
    await send_everything(http, bearer(theirs), MARK, os.urandom(16))
    conditions = {"attribute": f"{MARK}={MARK}", "resource_attribute": f"service.name={MARK}"}

    for path, names in filtered.items():
        assert set(names) == set(conditions)
        empty = await http.get(path.replace("{name}", "load"), headers=bearer(ours))
        for asked in (*({name: value} for name, value in conditions.items()), conditions):
            answers = [
                await http.get(path.replace("{name}", "load"), params=asked, headers=bearer(caller))
                for caller in (ours, theirs)
            ]
            assert [answer.status_code for answer in answers] == [200, 200], path
            assert MARK not in answers[0].text, path
            assert len(answers[1].text) > len(empty.text), path


@pytest.mark.parametrize("endpoint", STREAMS, ids=lambda endpoint: endpoint.path)
async def test_a_live_stream_shows_its_own_tenant_alone(gateway, endpoint):
    identity, http, _ = gateway
    ours, theirs = create(identity, "acme"), create(identity, "rival")
    async with http.stream("GET", endpoint.path, headers=bearer(ours)) as stream:
        assert stream.status_code == 200
        await send_everything(http, bearer(theirs), MARK, os.urandom(16))
        await send_everything(http, bearer(ours), "ours", os.urandom(16))
        seen = ""
        async for line in stream.aiter_lines():
            seen += line
            if "ours" in line:
                break

    assert MARK not in seen


async def test_a_key_of_one_dataset_reads_no_other_by_any_route(gateway):
    identity, http, _ = gateway
    writer = create(identity, "acme")
    trace_id = os.urandom(16)
    await send_everything(http, bearer(writer) | {"X-Tollspan-Dataset": "hidden"}, MARK, trace_id)
    draft = CredentialDraft("k", PERMISSIONS, kind="api_key", tenant="acme", datasets=("open",))
    reader = bearer(identity.credentials.create(draft))
    values = {"trace_id": trace_id.hex(), "span_id": (b"\1" * 8).hex(), "name": "load", "unit": MARK}

    for endpoint in (METRICS, *GUARDED):
        if endpoint in STREAMS:
            continue
        _, text = await call(http, endpoint, reader, values)
        assert MARK not in text, endpoint.path
        _, text = await call(http, endpoint, reader | {"X-Tollspan-Dataset": "hidden"}, values)
        assert MARK not in text, endpoint.path
