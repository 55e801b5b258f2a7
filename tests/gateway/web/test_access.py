"""A route answers those with its permission alone, and decides that without the body."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect

from helpers.web import READER, Callers
from tollspan.gateway.web import access, problem
from tollspan.gateway.web.access import GuardedRoute


async def who(request: Request) -> str:
    return request.state.principal.subject


def call_guarded(permission, methods=("GET",), callers=None):
    app = FastAPI(routes=[GuardedRoute("/", who, permission=permission, methods=methods)])
    app.state.parts = SimpleNamespace(authenticator=callers or Callers())
    problem.install(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


def test_a_route_whose_permission_is_unknown_cannot_be_built():
    with pytest.raises(ValueError, match="'read:everything' is not one of"):
        GuardedRoute("/", who, permission="read:everything", methods=["GET"])


def test_a_route_without_a_permission_cannot_be_built():
    with pytest.raises(TypeError, match="permission"):
        GuardedRoute("/", who, methods=["GET"])


async def test_without_credentials_the_challenge_names_no_error():
    async with call_guarded(access.READ_TRACES) as http:
        response = await http.get("/")

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="tollspan"'


async def test_a_caller_without_the_permission_is_told_which_one_it_needs():
    async with call_guarded(access.READ_TRACES) as http:
        response = await http.get("/", headers={"Authorization": "Bearer writer"})

    assert response.status_code == 403
    assert 'scope="read:traces"' in response.headers["www-authenticate"]
    assert response.json()["error"]["code"] == "insufficient_scope"


async def test_a_caller_with_the_permission_is_known_to_the_route():
    async with call_guarded(access.READ_TRACES) as http:
        response = await http.get("/", headers=READER)

    assert (response.status_code, response.json()) == (200, "reader")


async def test_a_session_cookie_is_a_credential():
    callers = Callers()
    async with call_guarded(access.SIGNED_IN, callers=callers) as http:
        response = await http.get("/", headers=callers.cookie())

    assert (response.status_code, response.json()) == (200, "dashboard")


async def test_a_session_cookie_allows_a_change_to_our_own_page():
    callers = Callers()
    async with call_guarded(access.SIGNED_IN, ["POST"], callers) as http:
        response = await http.post("/", headers=callers.cookie() | {"X-Tollspan-Page": "1"})

    assert (response.status_code, response.json()) == (200, "dashboard")


async def test_a_session_cookie_does_not_allow_a_change_to_any_other_page():
    callers = Callers()
    async with call_guarded(access.SIGNED_IN, ["POST"], callers) as http:
        response = await http.post("/", headers=callers.cookie())

    assert response.status_code == 401


async def test_a_caller_is_refused_before_its_body_is_looked_at():
    async with call_guarded(access.READ_TRACES, ["POST"]) as http:
        response = await http.post("/", content=b"x" * (access.BODY_BYTES_MAX + 1))

    assert response.status_code == 401


async def test_a_body_over_the_limit_is_refused_by_its_length():
    async with call_guarded(access.READ_TRACES, ["POST"]) as http:
        response = await http.post("/", content=b"x" * (access.BODY_BYTES_MAX + 1), headers=READER)

    assert response.status_code == 413


async def test_a_body_of_unknown_length_is_refused_as_soon_as_it_is_over_the_limit():
    sent = 0

    async def chunks():
        nonlocal sent
        while True:
            sent += 1024
            yield bytes(1024)

    async with call_guarded(access.READ_TRACES, ["POST"]) as http:
        response = await http.post("/", content=chunks(), headers=READER)

    assert response.status_code == 413
    assert sent <= access.BODY_BYTES_MAX + 2048


async def test_a_body_that_never_comes_is_not_waited_for(monkeypatch):
    async def nothing():
        await asyncio.Event().wait()
        yield b""

    monkeypatch.setattr(access, "BODY_TIMEOUT_S", 0.05)
    async with call_guarded(access.PUBLIC, ["POST"]) as http:
        response = await http.post("/", content=nothing())

    assert response.status_code == 408


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_defect():
    async def broken():
        yield b"{"
        raise ClientDisconnect

    async with call_guarded(access.PUBLIC, ["POST"]) as http:
        response = await http.post("/", content=broken())

    assert response.status_code == 400
