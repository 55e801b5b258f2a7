from __future__ import annotations

import sys
from types import ModuleType

import django
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from tollspan.testing import Captured


def show(request: object, number: int) -> HttpResponse:
    return HttpResponse(str(number))


async def show_later(request: object, number: int) -> HttpResponse:
    return HttpResponse(str(number))


def broken(request: object) -> HttpResponse:
    raise ValueError("broken")


@pytest.fixture(scope="module", autouse=True)
def project() -> None:
    urls = ModuleType("tollspan_test_urls")
    urls.urlpatterns = [
        path("items/<int:number>", show),
        path("later/<int:number>", show_later),
        path("broken", broken),
    ]
    sys.modules[urls.__name__] = urls
    settings.configure(
        ROOT_URLCONF=urls.__name__,
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="a test's",
        LOGGING_CONFIG=None,
        MIDDLEWARE=["tollspan.sdk.integrations.django.request_middleware"],
    )
    django.setup()


def test_a_request_is_one_span_and_one_log_record_of_it(captel: Captured):
    Client().get("/items/7")

    span = captel.span("GET /items/<int:number>")
    assert (span.attributes["url.path"], span.attributes["http.response.status_code"]) == ("/items/7", 200)
    assert captel.logs[0].log_record.span_id == span.context.span_id


async def test_an_async_request_is_one_too(captel: Captured):
    await AsyncClient().get("/later/7")

    span = captel.span("GET /later/<int:number>")
    assert captel.logs[0].log_record.span_id == span.context.span_id


def test_an_error_fails_the_span(captel: Captured):
    Client(raise_request_exception=False).get("/broken")

    assert captel.span("GET /broken").attributes["http.response.status_code"] == 500
    assert captel.logs[0].log_record.severity_text == "ERROR"
