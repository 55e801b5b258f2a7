"""HEAD, for everything that can be read (RFC 9110 §9.3.2)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD as GET; the server, who still knows what was asked, leaves out the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, asgi_scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request; see the class."""
        if asgi_scope.get("method") == "HEAD":
            asgi_scope = {**asgi_scope, "method": "GET"}
        await self._app(asgi_scope, receive, send)
