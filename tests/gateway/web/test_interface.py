"""The dashboard's files, and nothing else of the disk, are reachable under /ui/."""

from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from tollspan.gateway.web import pages
from tollspan.gateway.web.access import PUBLIC, GuardedRoute
from tollspan.gateway.web.interface import Interface


@pytest.fixture
def built(tmp_path):
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("the page")
    (folder / "theme.js").write_text("theme")
    (folder / "assets" / "main-1a2b.js").write_text("script")
    (tmp_path / "secret").write_text("secret")
    return folder


def browse(folder):
    app = FastAPI(routes=[GuardedRoute("/ui/{path:path}", pages.show, permission=PUBLIC, methods=["GET"])])
    app.state.parts = SimpleNamespace(interface=Interface(folder))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


@pytest.mark.parametrize("path", ["/ui/", "/ui/traces", "/ui/traces/0af7/span", "/ui/assets"])
async def test_every_page_address_is_answered_with_the_page(built, path):
    async with browse(built) as http:
        response = await http.get(path)

    assert (response.status_code, response.text) == (200, "the page")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-cache"


async def test_an_asset_may_be_kept_for_ever_and_other_files_must_be_asked_for_again(built):
    async with browse(built) as http:
        asset, theme = await http.get("/ui/assets/main-1a2b.js"), await http.get("/ui/theme.js")

    assert asset.text == "script"
    assert asset.headers["cache-control"] == "max-age=31536000, immutable"
    assert theme.text == "theme"
    assert theme.headers["cache-control"] == "no-cache"


async def test_a_missing_asset_is_not_found_rather_than_a_page(built):
    async with browse(built) as http:
        response = await http.get("/ui/assets/main-gone.js")

    assert response.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/ui/..%2fsecret",
        "/ui/%2e%2e/secret",
        "/ui/assets/..%2f..%2fsecret",
        "/ui/..%5csecret",
        "/ui//etc/passwd",
        "/ui/theme.js%00.html",
        "/ui/" + "a" * 5000,
    ],
)
async def test_no_address_leads_out_of_the_folder(built, path):
    async with browse(built) as http:
        response = await http.get(path)

    assert response.status_code in {200, 404}
    assert response.status_code == 404 or response.text == "the page"


async def test_a_checkout_without_the_dashboard_says_how_to_build_it(tmp_path):
    async with browse(tmp_path / "static") as http:
        response = await http.get("/ui/")

    assert response.status_code == 503
    assert "make ui" in response.text
