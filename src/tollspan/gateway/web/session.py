"""The dashboard's sign-in: a key, a password or an identity provider becomes a cookie."""

from __future__ import annotations

import logging
import math
from typing import Any

import structlog
from fastapi import Request, Response
from pydantic import BaseModel, Field, SecretStr
from starlette.exceptions import HTTPException

from tollspan.errors import InvalidTokenError, QueryError
from tollspan.gateway.authserver.permissions import ROLES
from tollspan.gateway.authserver.sessions import COOKIE, LIFETIME_S, TENANT
from tollspan.gateway.authserver.users import OWNER, User, UserDraft
from tollspan.gateway.web.parts import Parts, parts_of
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret

_log = structlog.get_logger()


class SignIn(BaseModel, extra="forbid"):
    """The sign-in key of the gateway's ready line, or an account; `tenant` when it is in several."""

    key: str = Field("", max_length=256)
    email: str = Field("", max_length=256)
    password: SecretStr = Field(SecretStr(""), max_length=1000)
    tenant: str = Field("", max_length=63)


class NewOwner(BaseModel, extra="forbid"):
    """The first account; `key` is in the link that the gateway printed."""

    key: str = Field(max_length=256)
    email: str = Field(max_length=256)
    password: SecretStr = Field(max_length=1000)


class SessionAnswer(BaseModel):
    """Whose data the caller sees, and what it may do; no `datasets` are all of the tenant's."""

    tenant: str
    permissions: list[str]
    datasets: list[str]


def sign_in(sign_in: SignIn, request: Request) -> Response:
    """Open a session and set its cookie."""
    parts = parts_of(request)
    if not sign_in.email:
        session_id = parts.identity.sessions.open_with_key(sign_in.key)
        if session_id is None:
            raise InvalidTokenError("this is not the sign-in key; it is in the gateway's latest ready line")
        return set_session(request, session_id)
    user = _authenticate(parts, sign_in, request.client.host if request.client else "")
    tenant = _choose_tenant(user, sign_in.tenant)
    return _open(request, user, tenant)


def create_owner(new_owner: NewOwner, request: Request) -> Response:
    """Make the first account, which owns the gateway's default tenant, and sign it in."""
    identity = parts_of(request).identity
    if Secret(new_owner.key) != identity.sessions.owner_key:
        raise InvalidTokenError("this link is not the one that the gateway printed last")
    password = Secret(new_owner.password.get_secret_value())
    draft = UserDraft(new_owner.email, password, TENANT, OWNER)
    owner = identity.users.create(draft, actor="first sign-in", first=True)
    return _open(request, owner, TENANT)


async def show_session(request: Request) -> SessionAnswer:
    """Say who the caller is."""
    principal: Principal = request.state.principal
    return SessionAnswer(
        tenant=principal.tenant,
        permissions=sorted(principal.permissions),
        datasets=sorted(principal.datasets),
    )


def sign_out(request: Request) -> Response:
    """End the session of the request's cookie."""
    parts_of(request).identity.sessions.close(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, **_cookie_flags(request))
    return response


def is_secure(request: Request) -> bool:
    """Whether the browser came by https, so that it need never send a cookie in the clear."""
    return request.url.scheme == "https" or parts_of(request).authenticator.is_behind_tls()


def set_session(request: Request, session_id: Secret) -> Response:
    """An answer that gives the browser its session."""
    response = Response(status_code=204)
    response.set_cookie(COOKIE, session_id.reveal(), LIFETIME_S, **_cookie_flags(request))
    return response


def _authenticate(parts: Parts, sign_in: SignIn, source: str) -> User:
    """The user with that password, which may be tried so often from one address."""
    after_s = parts.sign_in_limits.take(source, sign_in.email)
    if after_s:
        wait = {"Retry-After": str(math.ceil(after_s))}
        raise HTTPException(429, "too many sign-ins were tried; wait a little", headers=wait)
    user = parts.identity.users.authenticate(sign_in.email, Secret(sign_in.password.get_secret_value()))
    if user is None:
        parts.sparse_log.log(logging.WARNING, "sign_in_failed", source, source=source)
        raise InvalidTokenError("the e-mail address or the password is wrong")
    _log.info("signed_in", user=user.id, source=source)
    return user


def _choose_tenant(user: User, asked: str) -> str:
    """The tenant to sign in to: the one asked for, or the only one."""
    if asked in user.roles:
        return asked
    if asked or len(user.roles) != 1:
        raise QueryError("tenant", "say which tenant: " + " or ".join(user.roles))
    return next(iter(user.roles))


def _open(request: Request, user: User, tenant: str) -> Response:
    permissions = ROLES[user.roles[tenant]]
    return set_session(request, parts_of(request).identity.sessions.open(user.id, tenant, permissions))


def _cookie_flags(request: Request) -> dict[str, Any]:
    return {"httponly": True, "samesite": "strict", "secure": is_secure(request)}
