"""Django: `"tollspan.sdk.integrations.django.request_middleware"` as the first of MIDDLEWARE."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tollspan.sdk.integrations.request import RequestRecord

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def request_middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Each request is recorded until its view has answered; works below WSGI and ASGI."""
    if inspect.iscoroutinefunction(get_response):
        return _async_middleware(get_response)

    def answer(request: HttpRequest) -> HttpResponse:
        record = _start(request)
        try:
            response: HttpResponse = get_response(request)
        except BaseException as error:
            record.finish(500, _route(request), error)
            raise
        record.finish(response.status_code, _route(request))
        return response

    return answer


# As django.utils.decorators.sync_and_async_middleware marks it, without importing Django.
request_middleware.sync_capable = True  # type: ignore[attr-defined]
request_middleware.async_capable = True  # type: ignore[attr-defined]


def _async_middleware(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    async def answer(request: HttpRequest) -> HttpResponse:
        record = _start(request)
        try:
            response = await get_response(request)
        except BaseException as error:
            record.finish(500, _route(request), error)
            raise
        record.finish(response.status_code, _route(request))
        return response

    return answer


def _start(request: HttpRequest) -> RequestRecord:
    return RequestRecord(request.method or "", request.path, dict(request.headers))


def _route(request: HttpRequest) -> str | None:
    match = request.resolver_match
    return None if match is None else f"/{match.route}"
