"""Every route, against every kind of caller: no route is open that was not declared so."""

import os
import re

import pytest

from helpers.spans import batch, span
from helpers.web import LIMITED, READER, WRITER
from tollspan.gateway.authserver.permissions import PERMISSIONS, READ
from tollspan.gateway.web.access import PUBLIC, SIGNED_IN, GuardedRoute
from tollspan.gateway.web.app import ENDPOINTS, build_app

pytestmark = pytest.mark.xdist_group("telemetry")

TRACE_ID, SPAN_ID = os.urandom(16), os.urandom(8)
# Answers without end are tested in test_sse.
GUARDED = [
    e for e in ENDPOINTS if e.permission in {SIGNED_IN, *READ} and not e.path.startswith("/api/v1/live")
]
NAMES = [f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS]


def address(endpoint):
    values = {"trace_id": TRACE_ID.hex(), "span_id": SPAN_ID.hex(), "path:path": "", "name:path": "load"}
    values |= {"credential_id": "none", "unit:path": "none", "key:path": "http.route"}
    return re.sub(r"{([^}]+)}", lambda match: values[match[1]], endpoint.path)


async def call(http, endpoint, headers):
    body = {"json": {}} if endpoint.method == "POST" else {}
    return await http.request(endpoint.method, address(endpoint), headers=headers, **body)


def test_the_application_serves_exactly_the_listed_routes(parts):
    routes = build_app(parts).routes

    assert {type(route) for route in routes} == {GuardedRoute}
    served = [(*route.methods, route.path, route.permission) for route in routes]
    assert served == [(e.method, e.path, e.permission) for e in ENDPOINTS]


def test_no_route_shows_data_without_a_permission():
    public = {e.path for e in ENDPOINTS if e.permission == PUBLIC}

    assert public == {
        "/",
        "/ui",
        "/ui/{path:path}",
        "/api/openapi.json",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/session",
        "/api/v1/session/oidc",
        "/api/v1/session/oidc/callback",
        "/api/v1/session/ways",
        "/api/v1/owner",
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=NAMES)
async def test_each_route_refuses_whoever_lacks_its_permission(http, endpoint):
    nobody, forged, writer = [
        (await call(http, endpoint, headers)).status_code
        for headers in ({}, {"Authorization": "Bearer forged"}, WRITER)
    ]

    if endpoint.path == "/metrics":  # nobody has to, but whoever shows credentials gets what they open
        assert (nobody, forged, writer) == (200, 401, 403)
    elif endpoint.permission == PUBLIC:
        assert nobody == forged == writer
    elif endpoint.permission == SIGNED_IN:
        assert (nobody, forged, writer) == (401, 401, 200)
    else:
        assert (nobody, forged, writer) == (401, 401, 403)


@pytest.mark.parametrize("endpoint", GUARDED, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
async def test_each_route_answers_whoever_has_its_permission(parts, store, http, endpoint):
    await store.write(batch(span(trace_id=TRACE_ID, span_id=SPAN_ID)))
    await store.write(batch(span(trace_id=TRACE_ID, span_id=SPAN_ID), tenant="default"))

    reader = await call(http, endpoint, READER)
    browser = await call(http, endpoint, parts.authenticator.cookie())

    assert reader.status_code == 200
    assert browser.status_code == (200 if endpoint.method == "GET" else 401)


async def test_what_one_tenant_sent_no_route_shows_to_another(store, http):
    """Both tenants use the same ids, which are the senders' to choose."""
    secret = {"tollspan.unit": "secret-unit", "key": "secret-value"}
    theirs = span("secret name", trace_id=TRACE_ID, span_id=SPAN_ID, attributes=secret)
    child = span("secret child", trace_id=TRACE_ID, parent_span_id=SPAN_ID)
    await store.write(batch(theirs, child, tenant="rival", service="secret-service"))
    await store.write(batch(span("ours", trace_id=TRACE_ID, span_id=SPAN_ID), tenant="acme"))

    for endpoint in GUARDED:
        response = await call(http, endpoint, READER)
        assert response.status_code == 200
        assert "secret" not in response.text, endpoint.path
    trace = (await http.get(f"/api/v1/traces/{TRACE_ID.hex()}", headers=READER)).json()
    assert trace["names"] == ["ours"]


async def test_a_credential_for_some_datasets_sees_no_other(store, http):
    for dataset in ("shop", "bank", "hidden"):
        await store.write(batch(span(f"in {dataset}"), dataset=dataset))

    async def names(**headers):
        answer = await http.get("/api/v1/traces", headers=LIMITED | headers)
        if answer.status_code != 200:
            return answer.status_code
        return sorted(trace["root_name"] for trace in answer.json()["data"])

    assert await names() == ["in bank", "in shop"]
    assert await names(**{"X-Tollspan-Dataset": "bank"}) == ["in bank"]
    assert await names(**{"X-Unomiq-App-Id": "shop"}) == ["in shop"]
    assert await names(**{"X-Tollspan-Dataset": "hidden"}) == 403


async def test_the_description_tells_the_permission_of_every_route(http):
    description = (await http.get("/api/openapi.json")).json()

    assert description["info"]["title"] == "Tollspan gateway"
    oauth2 = description["components"]["securitySchemes"]["oauth2"]
    assert oauth2["flows"]["clientCredentials"]["scopes"].keys() == set(PERMISSIONS)
    for endpoint in ENDPOINTS:
        operation = description["paths"].get(endpoint.path, {}).get(endpoint.method.lower())
        if operation is not None:
            needed = [] if endpoint.permission in {PUBLIC, SIGNED_IN} else [endpoint.permission]
            proofs = [scopes for proof in operation["security"] for scopes in proof.values()]
            assert proofs == ([] if endpoint.permission == PUBLIC else [needed, [], []])
            assert operation["summary"]
            assert operation["responses"]["4XX"]


async def test_the_description_has_the_columns_of_a_trace(http):
    description = (await http.get("/api/openapi.json")).json()

    operation = description["paths"]["/api/v1/traces/{trace_id}"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Trace"}
    assert "offset_nano" in description["components"]["schemas"]["SpanColumns"]["properties"]


async def test_an_unknown_parameter_is_refused_rather_than_ignored(http):
    response = await http.get("/api/v1/traces", params={"servce": "shop"}, headers=READER)

    assert (response.status_code, response.json()["error"]["field"]) == (400, "servce")
