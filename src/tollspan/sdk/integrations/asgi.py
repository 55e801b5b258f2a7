"""FastAPI, Starlette and every other ASGI application: `app.add_middleware(RequestMiddleware)`.

FastAPI records requests itself since 0.165, unless it is made with `telemetry={"tracing": False}`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tollspan.sdk.integrations.request import RequestRecord

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RequestMiddleware:
    """Records each HTTP request until the last byte of its answer is sent."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}
        record = RequestRecord(scope["method"], scope["path"], headers)
        try:
            await self._app(scope, receive, watched_send)
        except BaseException as error:
            record.finish(500, _route(scope), error)
            raise
        record.finish(status, _route(scope))


def _route(scope: Scope) -> str | None:
    """The pattern that matched; FastAPI says it, Starlette only which function."""
    return getattr(scope.get("route"), "path", None)
