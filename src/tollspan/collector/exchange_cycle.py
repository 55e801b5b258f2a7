"""One request and its answer on a connection, without ASGI between: for the paths that take telemetry.

It stands where uvicorn has its RequestResponseCycle, so uvicorn's parser, flow control,
pipelining and shutdown serve it too. What ASGI adds, a task of messages each way, costs
more than everything else that a small export request needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tollspan.collector.http_body import NextChunk
from tollspan.otlp.http_exchange import HTTPResponse

Answer = Callable[[str, Mapping[str, str], NextChunk], Awaitable[HTTPResponse]]
"""Answers a request, given its method, its headers by lower-case name and its body; raises nothing."""


class ExchangeCycle:
    """What uvicorn's protocol asks of a cycle, and `run_asgi` with an Answer instead of an application."""

    def __init__(self, connection: HttpToolsProtocol) -> None:
        parser = connection.parser
        self._transport = connection.transport
        self._flow = connection.flow
        self._method = parser.get_method().decode("ascii")
        self._headers = connection.headers
        self._default_headers = connection.server_state.default_headers
        self._expects_continue = connection.expect_100_continue
        self._on_response = connection.on_response_complete
        self.keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive()
        self.message_event = asyncio.Event()
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_complete = False

    async def run_asgi(self, answer: Answer) -> None:
        """The response is written, unless the client has gone."""
        response = await answer(self._method, join_headers(self._headers), self._next_chunk)
        self.response_complete = True
        if self.disconnected:
            return
        self._transport.write(self._build(response))
        if not self.keep_alive:
            self._transport.close()
        self._on_response()

    async def _next_chunk(self) -> bytes:
        """The bytes that have come, none at the body's end; ClientDisconnect when the client has gone."""
        if self._expects_continue and not self._transport.is_closing():
            self._expects_continue = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self.body and self.more_body:
            self._flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
            if self.disconnected:
                raise ClientDisconnect
        chunk, self.body = bytes(self.body), bytearray()
        return chunk

    def _build(self, response: HTTPResponse) -> bytes:
        own = response.headers
        if any(name.lower() == "connection" and text.lower() == "close" for name, text in own.items()):
            self.keep_alive = False
        elif not self.keep_alive:
            own = {**own, "Connection": "close"}
        lines = [b"%b: %b\r\n" % header for header in self._default_headers]
        lines += [f"{name}: {text}\r\n".encode("latin-1") for name, text in own.items()]
        lines.append(b"content-length: %d\r\n\r\n" % len(response.body))
        body = b"" if self._method == "HEAD" else response.body
        return b"".join([STATUS_LINE[response.status], *lines, body])


def join_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by lower-case name; repeated ones are joined with commas (RFC 9110 §5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
