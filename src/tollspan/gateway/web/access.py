"""Who may call a route: decided for every one of them, before its body is read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message

from tollspan.collector.http_body import ASGIBody, read_body
from tollspan.collector.http_server import read_headers
from tollspan.collector.receivers.otlp.intake import DATASET_HEADERS
from tollspan.gateway.authserver.permissions import PERMISSIONS
from tollspan.gateway.storage.store import View
from tollspan.gateway.web.parts import parts_of
from tollspan.oauth2.principal import Principal
from tollspan.otlp.signals import Signal

PUBLIC = "public"
"""No credentials are asked for."""

SIGNED_IN = "signed in"
"""Any valid credential will do."""

READ_TRACES = Signal.TRACES.read_permission
READ_METRICS = Signal.METRICS.read_permission
READ_LOGS = Signal.LOGS.read_permission
MANAGE_SETTINGS = "manage:settings"

MANAGE_CREDENTIALS = "manage:credentials"

DECLARABLE = frozenset({PUBLIC, SIGNED_IN, *PERMISSIONS})

OAUTH2, API_KEY, SESSION = "oauth2", "api_key", "session"
"""The ways to prove who one is, by their names in the OpenAPI description."""

PAGE_HEADER = "x-tollspan-page"
"""The dashboard sends it with every change, and no other site's page can: a preflight would be refused."""

BODY_BYTES_MAX = 64 << 10
"""No question to this API is longer."""

BODY_TIMEOUT_S = 10.0

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """A route for callers with `permission`; its function finds them in `request.state.principal`."""

    def __init__(self, path: str, function: Callable[..., Any], *, permission: str, **options: Any) -> None:
        if permission not in DECLARABLE:
            raise ValueError(f"{path}: {permission!r} is not one of {sorted(DECLARABLE)}")
        self.permission = permission
        needed = [] if permission in {PUBLIC, SIGNED_IN} else [permission]
        security = [] if permission == PUBLIC else [{OAUTH2: needed}, {API_KEY: []}, {SESSION: []}]
        super().__init__(path, function, openapi_extra={"security": security}, **options)

    def get_route_handler(self) -> Handler:
        """The route's handler, reached only by those who may; their headers alone say who they are."""
        handle = super().get_route_handler()

        async def handle_if_allowed(request: Request) -> Response:
            if self.permission != PUBLIC:
                request.state.principal = await identify(request)
                if self.permission != SIGNED_IN:
                    request.state.principal.require(self.permission)
            return await handle(await _read_whole(request))

        return handle_if_allowed


@dataclass(frozen=True, slots=True)
class Reach:
    """What a request may see: of one tenant some datasets; none named means all of them."""

    tenant: str
    datasets: frozenset[str]


def read_reach(request: Request) -> Reach:
    """The reach of the caller, narrowed to the dataset that a header names; HTTPException 403 outside it."""
    principal: Principal = request.state.principal
    named = next((request.headers[name] for name in DATASET_HEADERS if name in request.headers), None)
    if named is None:
        return Reach(principal.tenant, principal.datasets)
    if not principal.may_use(named):
        raise HTTPException(403, "this credential may not read that dataset")
    return Reach(principal.tenant, frozenset({named}))


CallersReach = Annotated[Reach, Depends(read_reach)]


def open_view(request: Request, reach: CallersReach) -> View:
    """The store as far as the caller may see it."""
    return parts_of(request).store.view(reach.tenant, reach.datasets)


CallersView = Annotated[View, Depends(open_view)]


async def identify(request: Request) -> Principal:
    """The caller, by what the request's headers prove now. Raises AuthError and StoreError."""
    authenticator = parts_of(request).authenticator
    # A session cookie counts for what only our own page can send: no other site can add a header.
    page = request.method == "GET" or PAGE_HEADER in request.headers
    identify = authenticator.authenticate_page if page else authenticator.authenticate
    return await identify(read_headers(request.scope))


async def _read_whole(request: Request) -> Request:
    """The request with its body at hand, which FastAPI would read without any bound."""
    length = request.headers.get("content-length")
    body = await read_body(
        ASGIBody(request.receive),
        None if length is None else int(length),
        bytes_max=BODY_BYTES_MAX,
        timeout_s=BODY_TIMEOUT_S,
    )

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return Request(request.scope, receive)
