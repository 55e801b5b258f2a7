"""Each library in use before `init`, in the ways that upstream's replacing of names misses."""

from __future__ import annotations

import pytest

from helpers.otlp_peer import OTLPPeer
from helpers.scripts import run_script, scopes

FASTAPI = """
    import asyncio, tollspan
    {first}
    from fastapi import FastAPI
    class Shop(FastAPI): ...
    {before}
    tollspan.init("shop")
    {after}
    app.get("/items/{{number}}")(lambda number: {{}})

    async def request():
        messages = []
        scope = {{"type": "http", "method": "GET", "path": "/items/7", "headers": [], "query_string": b"",
                 "scheme": "http", "server": ("localhost", 80), "http_version": "1.1", "root_path": ""}}
        async def receive(): return {{"type": "http.request", "body": b""}}
        async def send(message): messages.append(message)
        await app(scope, receive, send)
        assert messages[0]["status"] == 200
    asyncio.run(request())
"""

FLASK = """
    import tollspan
    from flask import Flask
    class Shop(Flask): ...
    {before}
    tollspan.init("shop")
    {after}
    app.get("/items/<number>")(lambda number: "")
    assert app.test_client().get("/items/7").status_code == 200
"""

STARLETTE = """
    import tollspan
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    routes = [Route("/items/{{number}}", lambda request: PlainTextResponse("fine"))]
    {before}
    tollspan.init("shop")
    {after}
    import asyncio
    async def request():
        scope = {{"type": "http", "method": "GET", "path": "/items/7", "headers": [], "query_string": b"",
                 "scheme": "http", "server": ("localhost", 80), "http_version": "1.1", "root_path": ""}}
        async def receive(): return {{"type": "http.request", "body": b""}}
        async def send(message): pass
        await app(scope, receive, send)
    asyncio.run(request())
"""

DJANGO = """
    import os, sys, types, tollspan
    settings = types.ModuleType("shop_settings")
    settings.ROOT_URLCONF = settings
    settings.ALLOWED_HOSTS = ["*"]
    settings.SECRET_KEY = "a test's"
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    sys.modules["shop_settings"] = settings
    os.environ["DJANGO_SETTINGS_MODULE"] = "shop_settings"
    {before}
    import django
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path
    settings.urlpatterns = [path("items/<number>", lambda request, number: HttpResponse("fine"))]
    app = get_wsgi_application()
    {after}
    from wsgiref.util import setup_testing_defaults
    environ = {{"PATH_INFO": "/items/7"}}
    setup_testing_defaults(environ)
    b"".join(app(environ, lambda status, headers: None))
"""


@pytest.mark.parametrize("maker", ["FastAPI", "Shop"])
@pytest.mark.parametrize("made", ["before", "after"])
def test_a_fastapi_application_has_one_span_for_a_request(peer: OTLPPeer, made: str, maker: str):
    code = {"first": "", "before": "", "after": "", made: f"app = {maker}()"}

    run_script(peer, FASTAPI.format(**code))

    assert peer.stored == {"GET /items/{number}": 1}


@pytest.mark.parametrize("maker", ["Flask", "Shop"])
@pytest.mark.parametrize("made", ["before", "after"])
def test_a_flask_application_has_one_span_for_a_request(peer: OTLPPeer, made: str, maker: str):
    code = {"before": "", "after": "", made: f"app = {maker}('shop')"}

    run_script(peer, FLASK.format(**code))

    assert peer.stored == {"GET /items/<number>": 1}


@pytest.mark.parametrize("made", ["before", "after"])
def test_a_starlette_application_is_instrumented(peer: OTLPPeer, made: str):
    code = {"before": "", "after": "", made: "app = Starlette(routes=routes)"}

    run_script(peer, STARLETTE.format(**code))

    assert peer.stored == {"GET /items/{number}": 1}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_django_application_has_one_span_for_a_request(peer: OTLPPeer, when: str):
    code = {"before": "", "after": "", when: 'tollspan.init("shop")'}

    run_script(peer, DJANGO.format(**code))

    assert peer.stored == {"GET items/<number>": 1}


def test_a_function_that_was_imported_by_name_is_instrumented(peer: OTLPPeer):
    run_script(
        peer,
        """
        from sqlite3 import connect
        import tollspan
        tollspan.init("shop")
        connect(":memory:").cursor().execute("select 1")
        """,
    )

    assert scopes(peer) == {"sqlite3": {"select"}}


@pytest.mark.parametrize("made", ["before", "after"])
def test_a_sqlalchemy_engine_is_instrumented_also_beyond_the_declared_version(peer: OTLPPeer, made: str):
    code = {"before": "", "after": "", made: 'engine = create_engine("sqlite://")'}

    run_script(
        peer,
        """
        from sqlalchemy import create_engine, text
        import tollspan
        {before}
        tollspan.init("shop", disable=["sqlite3"])
        {after}
        with engine.connect() as connection:
            connection.execute(text("select 1"))
        """.format(**code),
    )

    assert scopes(peer) == {"sqlalchemy": {"connect", "SELECT"}} or scopes(peer) == {
        "sqlalchemy": {"connect", "select"}
    }


def test_a_library_that_is_imported_later_is_instrumented(peer: OTLPPeer):
    run_script(
        peer,
        """
        import os, tollspan
        tollspan.init("shop")
        from requests import get
        get(os.environ["TOLLSPAN_ENDPOINT"] + "/theirs")
        """,
    )

    assert scopes(peer) == {"requests": {"GET"}}


def test_an_application_that_serves_already_is_told_about_and_goes_on(peer: OTLPPeer):
    printed = run_script(
        peer,
        """
        import tollspan
        from flask import Flask
        app = Flask("shop")
        app.get("/")(lambda: "fine")
        app.test_client().get("/")
        telemetry = tollspan.init("shop")
        print(app.test_client().get("/").status_code, telemetry.status().events["application_not_traced"])
        """,
    )

    assert printed == "200 1\n"


def test_what_flask_shows_by_itself_it_still_shows(peer: OTLPPeer):
    printed = run_script(
        peer,
        """
        import sys
        sys.stderr = sys.stdout
        import tollspan
        tollspan.init("shop")
        from flask import Flask
        from werkzeug._internal import _log
        app = Flask("shop")
        app.logger.warning("the shop speaks")
        _log("info", "the server speaks")
        """,
    )

    assert "the shop speaks" in printed
    assert "the server speaks" in printed
