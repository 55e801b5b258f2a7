"""Every error has the one shape, and none says more than its caller may know."""

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel

from tollspan.errors import ConfigError, InvalidTokenError, QueryError, StoreError
from tollspan.gateway.web import problem
from tollspan.gateway.web.headers import SECURITY_HEADERS, SecurityHeaders


class Body(BaseModel):
    spans: list[int]


async def answer_failing_with(error, method="GET", **request):
    async def fail(limit: int = Query(1, ge=1)) -> None:
        raise error

    async def take(body: Body) -> None: ...

    app = FastAPI()
    app.add_api_route("/", fail, methods=["GET"])
    app.add_api_route("/", take, methods=["POST"])
    app.add_middleware(SecurityHeaders)
    problem.install(app)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        return await http.request(method, "/", **request)


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (
            QueryError("end", "it is before the start"),
            400,
            {"code": "invalid_request", "message": "it is before the start", "field": "end"},
        ),
        (
            ConfigError("kind", "there is no such kind", "choose oauth2"),
            400,
            {"code": "invalid_request", "message": "there is no such kind (choose oauth2)", "field": "kind"},
        ),
        (
            InvalidTokenError("it has expired"),
            401,
            {"code": "invalid_token", "message": "it has expired"},
        ),
        (
            StoreError("the disk is full"),
            503,
            {"code": "unavailable", "message": "the disk is full"},
        ),
        (ZeroDivisionError("secret"), 500, {"code": "internal_error", "message": "internal error"}),
    ],
)
async def test_an_error_is_answered_with_its_status_code_and_message(error, status, expected):
    response = await answer_failing_with(error)

    assert response.status_code == status
    assert response.json() == {"error": expected}


async def test_a_store_that_may_recover_asks_for_another_try():
    response = await answer_failing_with(StoreError("the disk is full"))

    assert int(response.headers["retry-after"]) >= 1


async def test_a_wrong_parameter_is_named():
    response = await answer_failing_with(None, params={"limit": "many"})

    assert response.status_code == 400
    assert response.json()["error"]["field"] == "limit"


async def test_a_wrong_place_in_the_body_is_named_by_its_path():
    response = await answer_failing_with(None, "POST", json={"spans": [1, "two"]})

    assert response.json()["error"]["field"] == "spans.1"


@pytest.mark.parametrize("body", [b"{", b"[" * 50_000, b"\xff"])
async def test_a_body_that_is_no_json_is_a_request_error(body):
    response = await answer_failing_with(
        None, "POST", content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert response.json()["error"].get("field", "body") == "body"


async def test_a_body_that_is_missing_is_what_is_required():
    error = (await answer_failing_with(None, "POST")).json()["error"]

    assert error == {"code": "invalid_request", "message": "Field required", "field": "body"}


@pytest.mark.parametrize(("method", "status"), [("PUT", 405), ("GET", 500)])
async def test_errors_carry_the_security_headers_too(method, status):
    response = await answer_failing_with(ZeroDivisionError(), method)

    assert response.status_code == status
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
