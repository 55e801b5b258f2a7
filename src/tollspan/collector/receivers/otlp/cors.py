"""Pages of other origins that send telemetry (Fetch Standard, "CORS protocol")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from tollspan.collector.exchange_cycle import Answer
from tollspan.collector.http_body import Body
from tollspan.collector.receivers.otlp.config import CORSConfig
from tollspan.otlp.http_exchange import HTTPResponse


def open_to_pages(config: CORSConfig, answer: Answer) -> Answer:
    """`answer`, open to pages of the configured origins, never with their cookies."""
    if not config.allowed_origins:
        return answer
    patterns = (re.escape(origin).replace(r"\*", ".*") for origin in config.allowed_origins)
    allowed_origin = re.compile("|".join(patterns))
    permissions = {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": ", ".join(["Content-Type", *config.allowed_headers]),
        "Access-Control-Max-Age": str(config.max_age_s),
    }

    async def answer_pages(method: str, headers: Mapping[str, str], body: Body) -> HTTPResponse:
        origin = headers.get("origin")
        if origin is None:
            return await answer(method, headers, body)
        allowed = allowed_origin.fullmatch(origin) is not None
        grant = {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if allowed else {})
        if method == "OPTIONS" and "access-control-request-method" in headers:
            return HTTPResponse(200, grant | permissions, b"") if allowed else HTTPResponse(403, grant, b"")
        response = await answer(method, headers, body)
        return replace(response, headers=response.headers | grant)

    return answer_pages
