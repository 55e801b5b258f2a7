"""The addresses that people type."""

import pytest


@pytest.mark.parametrize("path", ["/", "/ui"])
async def test_the_dashboard_is_found_from_the_root(http, path):
    response = await http.get(path)

    assert (response.status_code, response.headers["location"]) == (307, "/ui/")


async def test_every_page_of_the_dashboard_is_answered_by_its_interface(http):
    response = await http.get("/ui/traces")

    assert (response.status_code, "make ui" in response.text) == (503, True)


async def test_the_api_describes_itself_as_openapi(http):
    response = await http.get("/api/openapi.json")

    assert response.json()["openapi"].startswith("3.1")
    assert "/api/v1/traces" in response.json()["paths"]
