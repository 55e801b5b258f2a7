"""Every error of the web API in one shape: `{"error": {"code", "message", "field"?}}`."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from tollspan.errors import AuthError, ConfigError, QueryError, TollspanError
from tollspan.gateway.web.headers import SECURITY_HEADERS
from tollspan.otlp import http_exchange


class Problem(BaseModel):
    """What went wrong; `field` names the parameter at fault when there is one."""

    code: str
    message: str
    field: str | None = None


class ProblemAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: Problem


def install(app: FastAPI) -> None:
    """From now on every error that leaves a route of `app` is answered in the one shape."""
    app.add_exception_handler(TollspanError, _answer_tollspan_error)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(ClientDisconnect, _answer_disconnect)
    app.add_exception_handler(Exception, _answer_defect)


def _answer_tollspan_error(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ConfigError):
        hint = f" ({error.hint})" if error.hint else ""
        return _answer(400, "invalid_request", error.problem + hint, error.path)
    if isinstance(error, QueryError):
        return _answer(400, "invalid_request", error.problem, error.field)
    as_otlp = http_exchange.failure(error, http_exchange.Encoding.JSON)
    if isinstance(error, AuthError):
        return _answer(
            as_otlp.status, error.code or _code(as_otlp.status), error.description, headers=as_otlp.headers
        )
    return _answer(as_otlp.status, _code(as_otlp.status), str(error), headers=as_otlp.headers)


def _answer_validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    # The first part says where it was (query, path, body), which the name makes clear; where it is the only
    # one, or of text that is no JSON the second is an offset, it was the whole body.
    name = ("body",) if first["type"] == "json_invalid" else first["loc"][1:] or first["loc"]
    message = first["msg"].removeprefix("Value error, ")
    return _answer(400, "invalid_request", message, ".".join(map(str, name)))


def _answer_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = {"Allow": _allowed_methods(request)} if error.status_code == 405 else error.headers
    return _answer(error.status_code, _code(error.status_code), error.detail, headers=headers)


def _allowed_methods(request: Request) -> str:
    """What can be done at the request's path, of whose routes the error itself knows one alone."""
    at_path = [route for route in request.app.routes if route.path_regex.match(request.url.path)]
    methods = {method for route in at_path for method in route.methods}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _answer_disconnect(_request: Request, _error: Exception) -> JSONResponse:
    # Nobody will read it; but it is no defect, and none may be logged.
    return _answer(400, "invalid_request", "the body ended too early")


def _answer_defect(_request: Request, _error: Exception) -> JSONResponse:
    # Answered outside the app's own middleware, which therefore cannot add these headers.
    return _answer(500, _code(500), "internal error", headers=SECURITY_HEADERS)


_CODES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    503: "unavailable",
}


def _code(status: int) -> str:
    return _CODES.get(status, "internal_error")


def _answer(
    status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    problem = ProblemAnswer(error=Problem(code=code, message=message, field=field))
    return JSONResponse(problem.model_dump(exclude_none=True), status, headers)
