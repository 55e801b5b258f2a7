"""What a browser opens: the dashboard, and the description of the API."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tollspan.gateway.web.parts import parts_of


async def redirect() -> Response:
    """Lead to the dashboard."""
    return RedirectResponse("/ui/")


async def show(request: Request, path: str) -> Response:
    """Show a page of the dashboard, or a file that it needs."""
    return await parts_of(request).interface.answer(path, request.scope)


async def describe(request: Request) -> Response:
    """Describe the API (OpenAPI 3.1)."""
    description: dict[str, Any] = request.app.openapi()
    return JSONResponse(description)
