"""The way of a browser through an identity provider and back."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from tollspan.errors import InvalidTokenError
from tollspan.gateway.authserver.oidc_sign_in import CALLBACK, OidcSignIn, PendingSignIn
from tollspan.gateway.web.parts import parts_of
from tollspan.gateway.web.session import is_secure, set_session

_log = structlog.get_logger()

PENDING_COOKIE = "tollspan_sign_in"
PENDING_S_MAX = 600


class SignInWays(BaseModel):
    """How people can sign in here, besides the sign-in key."""

    password: bool
    oidc: bool


class Callback(BaseModel):
    """What the provider sends the browser back with (OpenID Connect Core 1.0 §3.1.2.5)."""

    code: str = Field("", max_length=4096)
    state: str = Field("", max_length=256)


def show_ways(request: Request) -> SignInWays:
    """Say how people can sign in."""
    parts = parts_of(request)
    return SignInWays(
        password=not parts.identity.users.is_empty(), oidc=parts.authenticator.oidc_sign_in() is not None
    )


def begin_sign_in(request: Request) -> Response:
    """Send the browser to the identity provider."""
    pending = PendingSignIn.new()
    response = RedirectResponse(_provider(request).begin(pending), 303)
    # Lax, because the provider's redirect back is a navigation from another site.
    response.set_cookie(
        PENDING_COOKIE,
        pending.to_text(),
        PENDING_S_MAX,
        path=CALLBACK,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return response


def complete_sign_in(request: Request, answer: Annotated[Callback, Query()]) -> Response:
    """Open a session for whoever comes back from the identity provider."""
    provider = _provider(request)
    pending = PendingSignIn.of_text(request.cookies.get(PENDING_COOKIE, ""))
    if not answer.code:
        raise InvalidTokenError("the identity provider did not let this person in")
    principal = provider.complete(pending, answer.code, answer.state)
    _log.info("signed_in", user=principal.subject, tenant=principal.tenant)
    sessions = parts_of(request).identity.sessions
    session_id = sessions.open(principal.subject, principal.tenant, principal.permissions)
    response = set_session(request, session_id)
    response.status_code = 303
    response.headers["Location"] = "/ui/"
    response.delete_cookie(PENDING_COOKIE, path=CALLBACK)
    return response


def _provider(request: Request) -> OidcSignIn:
    provider = parts_of(request).authenticator.oidc_sign_in()
    if provider is None:
        raise HTTPException(404, "this gateway has no identity provider")
    return provider
