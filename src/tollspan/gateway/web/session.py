"""The dashboard's sign-in: the key of the gateway's ready line becomes a cookie."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, Field

from tollspan.errors import InvalidTokenError
from tollspan.gateway.authserver.sessions import COOKIE, LIFETIME_S
from tollspan.gateway.web.parts import parts_of
from tollspan.oauth2.principal import Principal


class SignIn(BaseModel, extra="forbid"):
    """The sign-in key, as the gateway's ready line shows it."""

    key: str = Field(max_length=256)


class SessionAnswer(BaseModel):
    """Whose data the caller sees, and what it may do; no `datasets` are all of the tenant's."""

    tenant: str
    permissions: list[str]
    datasets: list[str]


async def sign_in(sign_in: SignIn, request: Request) -> Response:
    """Open a session and set its cookie."""
    session_id = parts_of(request).sessions.open(sign_in.key)
    if session_id is None:
        raise InvalidTokenError("this is not the sign-in key; it is in the gateway's latest ready line")
    response = Response(status_code=204)
    response.set_cookie(COOKIE, session_id.reveal(), LIFETIME_S, **_cookie_flags(request))
    return response


async def show_session(request: Request) -> SessionAnswer:
    """Say who the caller is."""
    principal: Principal = request.state.principal
    return SessionAnswer(
        tenant=principal.tenant,
        permissions=sorted(principal.permissions),
        datasets=sorted(principal.datasets),
    )


async def sign_out(request: Request) -> Response:
    """End the session of the request's cookie."""
    parts_of(request).sessions.close(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, **_cookie_flags(request))
    return response


def _cookie_flags(request: Request) -> dict[str, Any]:
    return {"httponly": True, "samesite": "strict", "secure": request.url.scheme == "https"}
