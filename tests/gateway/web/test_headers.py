"""What a browser may do with an answer."""

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tollspan.gateway.web.headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS, SecurityHeaders


async def get_through(response):
    app = SecurityHeaders(Starlette(routes=[Route("/", lambda _: response)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        return await http.get("/")


async def test_every_answer_carries_the_security_headers_and_is_not_stored():
    response = await get_through(PlainTextResponse("data"))

    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert response.headers["cache-control"] == "no-store"


async def test_an_answer_may_allow_its_own_storing():
    response = await get_through(PlainTextResponse("data", headers={"Cache-Control": "no-cache"}))

    assert response.headers["cache-control"] == "no-cache"


async def test_an_answer_cannot_loosen_the_policy():
    loose = PlainTextResponse("data", headers={"Content-Security-Policy": "default-src *"})

    assert (await get_through(loose)).headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_no_script_or_style_may_stand_in_a_page_and_no_other_site_may_frame_it():
    directives = dict(d.split(" ", 1) for d in CONTENT_SECURITY_POLICY.split("; "))

    assert directives["default-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
