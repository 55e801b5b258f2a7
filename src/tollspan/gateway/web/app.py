"""The web application: every route, and who may call it, in one list."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse
from fastapi.telemetry import TelemetryConfig
from starlette.responses import Response
from starlette.routing import BaseRoute

from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.gateway.authserver.sessions import COOKIE
from tollspan.gateway.web import (
    answers,
    api,
    attribute_api,
    credentials,
    edge_api,
    engine,
    erasure_api,
    log_api,
    metric_api,
    obtrace,
    oidc,
    pages,
    point_api,
    problem,
    prometheus,
    red_api,
    session,
    sse,
    status,
)
from tollspan.gateway.web.access import (
    API_KEY,
    MANAGE_CREDENTIALS,
    MANAGE_SETTINGS,
    OAUTH2,
    PUBLIC,
    READ_LOGS,
    READ_METRICS,
    READ_TRACES,
    SESSION,
    SIGNED_IN,
    GuardedRoute,
)
from tollspan.gateway.web.head_requests import HeadAsGet
from tollspan.gateway.web.headers import SecurityHeaders
from tollspan.gateway.web.parameter_words import describe_parameters
from tollspan.gateway.web.parts import Parts


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route and the permission it asks for; `options` are FastAPI's."""

    method: str
    path: str
    function: Callable[..., Any]
    permission: str
    options: dict[str, Any] = field(default_factory=dict)

    def is_served_by(self, roles: Collection[str]) -> bool:
        """Whether a process with these roles has it: see `distribution.ROLES`."""
        module = self.function.__module__.rpartition(".")[2]
        return module in _OF_EVERY_ROLE or _ROLES.get(module, "query") in roles


_OF_EVERY_ROLE = frozenset({"prometheus", "status"})
_ROLES = {"pages": "ui", "session": "ui", "credentials": "ui", "oidc": "ui", "obtrace": "ingest"}
"""Of whose modules the routes are; all others answer questions."""

HIDDEN = {"include_in_schema": False}
ISSUED = {"status_code": 201, "response_model_exclude_none": True}
NO_CONTENT = {"status_code": 204, "response_class": Response}
STREAM = {"response_class": EventSourceResponse}
WHOLE_TRACE = {"response_model": answers.Trace}

ENDPOINTS: Sequence[Endpoint] = (
    Endpoint("GET", "/", pages.redirect, PUBLIC, HIDDEN),
    Endpoint("GET", "/ui", pages.redirect, PUBLIC, HIDDEN),
    Endpoint("GET", "/ui/{path:path}", pages.show, PUBLIC, HIDDEN),
    Endpoint("GET", "/api/openapi.json", pages.describe, PUBLIC, HIDDEN),
    Endpoint("GET", "/healthz", status.show_health, PUBLIC),
    Endpoint("GET", "/readyz", status.show_readiness, PUBLIC),
    Endpoint("POST", "/api/v1/session", session.sign_in, PUBLIC, NO_CONTENT),
    Endpoint("GET", "/api/v1/session", session.show_session, SIGNED_IN),
    Endpoint("DELETE", "/api/v1/session", session.sign_out, PUBLIC, NO_CONTENT),
    Endpoint("GET", "/api/v1/session/oidc", oidc.begin_sign_in, PUBLIC, HIDDEN),
    Endpoint("GET", "/api/v1/session/oidc/callback", oidc.complete_sign_in, PUBLIC, HIDDEN),
    Endpoint("GET", "/api/v1/session/ways", oidc.show_ways, PUBLIC),
    Endpoint("POST", "/api/v1/owner", session.create_owner, PUBLIC, NO_CONTENT),
    Endpoint("GET", "/api/v1/credentials", credentials.list_credentials, MANAGE_CREDENTIALS),
    Endpoint("POST", "/api/v1/credentials", credentials.create_credential, MANAGE_CREDENTIALS, ISSUED),
    Endpoint(
        "POST",
        "/api/v1/credentials/{credential_id}/rotate",
        credentials.rotate_credential,
        MANAGE_CREDENTIALS,
        ISSUED,
    ),
    Endpoint(
        "DELETE", "/api/v1/credentials/{credential_id}", credentials.revoke_credential, MANAGE_CREDENTIALS
    ),
    Endpoint("GET", "/api/v1/audit", credentials.show_audit_log, MANAGE_CREDENTIALS),
    Endpoint("GET", "/metrics", prometheus.show_metrics, PUBLIC, HIDDEN),
    Endpoint("GET", "/api/v1/status", status.show_ledger, READ_TRACES),
    Endpoint("GET", "/api/v1/live", sse.follow, READ_TRACES, STREAM),
    Endpoint("GET", "/api/v1/live/logs", sse.follow_logs, READ_LOGS, STREAM),
    Endpoint("GET", "/api/v1/services", api.find_services, READ_TRACES),
    Endpoint("GET", "/api/v1/services/red", red_api.find_red, READ_TRACES),
    Endpoint("GET", "/api/v1/services/edges", edge_api.find_service_edges, READ_TRACES),
    Endpoint("GET", "/api/v1/attributes", attribute_api.find_attribute_keys, READ_TRACES),
    Endpoint("GET", "/api/v1/attributes/{key:path}", attribute_api.find_attribute_values, READ_TRACES),
    Endpoint("GET", "/api/v1/traces", api.find_traces, READ_TRACES),
    Endpoint("GET", "/api/v1/traces/{trace_id}", api.get_trace, READ_TRACES, WHOLE_TRACE),
    Endpoint("GET", "/api/v1/traces/{trace_id}/spans/{span_id}", api.get_span, READ_TRACES),
    Endpoint("DELETE", "/api/v1/traces/{trace_id}", erasure_api.erase_trace, MANAGE_SETTINGS),
    Endpoint("DELETE", "/api/v1/units/{unit:path}", erasure_api.erase_unit, MANAGE_SETTINGS),
    Endpoint("GET", "/api/v1/logs", log_api.find_logs, READ_LOGS),
    Endpoint("GET", "/api/v1/metrics", metric_api.find_metrics, READ_METRICS),
    Endpoint("GET", "/api/v1/metrics/{name:path}", metric_api.get_metric, READ_METRICS),
    Endpoint("GET", "/api/v1/points/{name:path}", point_api.find_points, READ_METRICS),
    Endpoint("GET", "/traces/live", engine.live_spans, READ_TRACES),
    Endpoint("GET", "/traces/{trace_id}", engine.get_trace, READ_TRACES),
    Endpoint("POST", "/traces", engine.find_traces, READ_TRACES),
    Endpoint("POST", "/v1/init", obtrace.initialize, SIGNED_IN),
)
"""All routes, in the order in which they are tried."""

# The gateway reports on itself in its own way; FastAPI would do it through the global providers.
_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)


def build_app(parts: Parts, endpoints: Sequence[Endpoint] = ENDPOINTS) -> FastAPI:
    """An application that serves `endpoints`, and nothing else, from `parts`."""
    routes: list[BaseRoute] = [
        GuardedRoute(
            endpoint.path,
            endpoint.function,
            methods=[endpoint.method],
            permission=endpoint.permission,
            responses={"4XX": {"model": problem.ProblemAnswer}, "5XX": {"model": problem.ProblemAnswer}},
            **endpoint.options,
        )
        for endpoint in endpoints
    ]
    app = FastAPI(
        title="Tollspan gateway",
        version=version("tollspan"),
        routes=routes,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.parts = parts
    app.add_middleware(HeadAsGet)
    app.add_middleware(SecurityHeaders)
    problem.install(app)
    app.openapi()["components"]["securitySchemes"] = _describe_proofs()
    describe_parameters(app.openapi())
    return app


def _describe_proofs() -> dict[str, Any]:
    permissions = {permission: permission.replace(":", " ") for permission in PERMISSIONS}
    grant = {"clientCredentials": {"tokenUrl": "/token", "scopes": permissions}}
    return {
        OAUTH2: {"type": "oauth2", "flows": grant},
        API_KEY: {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        SESSION: {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
