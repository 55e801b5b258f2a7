"""Pages of other origins, as browsers ask for them (Fetch, "CORS protocol")."""

import httpx
import msgspec
import pytest

from helpers.collector import running_collector
from tollspan.collector.receivers.otlp.config import CORSConfig

PAGE = "https://shop.example.com"


async def preflight(collector, origin, headers="content-type"):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers,
    }
    async with httpx.AsyncClient(base_url=collector.url) as http:
        return await http.options("/v1/traces", headers=asked)


async def test_no_page_may_send_unless_it_was_allowed():
    async with running_collector() as collector:
        refused = await preflight(collector, PAGE)
        async with httpx.AsyncClient(base_url=collector.url) as http:
            sent = await http.post("/v1/traces", headers={"Origin": PAGE})
    assert refused.status_code == 405
    assert not [name for name in (*refused.headers, *sent.headers) if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        ([PAGE], True),
        (["https://*.example.com"], True),
        (["https://shop.example.org", "http://shop.example.com"], False),
        (["https://shop.example"], False),
        (["https://shopXexample.com"], False),
    ],
)
async def test_a_page_of_an_allowed_origin_may_send(origins, allowed):
    cors = {"allowed_origins": origins, "allowed_headers": ["Authorization"]}
    async with running_collector(cors=cors) as collector:
        answer = await preflight(collector, PAGE, "authorization, content-type")
        headers = {"Origin": PAGE, "Content-Type": "application/json"}
        async with httpx.AsyncClient(base_url=collector.url) as http:
            sent = await http.post("/v1/traces", headers=headers, content=b"{}")
    assert (answer.status_code == 200) is allowed
    assert sent.headers.get("access-control-allow-origin") == (PAGE if allowed else None)
    assert "access-control-allow-credentials" not in answer.headers
    if allowed:
        assert answer.headers["access-control-max-age"] == "7200"


def test_every_page_on_the_web_with_credentials_is_a_configuration_error():
    document = {"allowed_origins": ["*"], "allowed_headers": ["authorization"]}
    [problem] = msgspec.convert(document, CORSConfig).problems()
    assert "name the origins" in str(problem)
    assert not list(msgspec.convert({"allowed_origins": ["*"]}, CORSConfig).problems())
