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

from tollspan.collector.http_body import Body
from tollspan.otlp.http_exchange import HTTPResponse

Answer = Callable[[str, Mapping[str, str], Body], Awaitable[HTTPResponse]]
"""Answers a request, given its method, its headers by lower-case name and its body; raises nothing."""


class ExchangeCycle:
    """What uvicorn's protocol asks of a cycle, and the Body of its request.

    `message_event` may be shared by the cycles of one connection: only the last one's body still comes.
    """

    def __init__(self, connection: HttpToolsProtocol, answer: Answer, message_event: asyncio.Event) -> None:
        parser = connection.parser
        self._transport = connection.transport
        self._flow = connection.flow
        self._server_state = connection.server_state
        self._method = parser.get_method().decode("ascii")
        self._headers = connection.headers
        self._answer = answer
        self._expects_continue = connection.expect_100_continue
        self.keep_alive = parser.should_keep_alive() and parser.get_http_version() != "1.0"
        self.message_event = message_event
        self.body = b""
        self.more_body = True
        self.disconnected = False
        self.response_complete = False

    async def run(self) -> None:
        """The response is written, unless the client has gone."""
        response = await self._answer(self._method, join_headers(self._headers), self)
        self.response_complete = True
        if self.disconnected:
            return
        self._transport.write(self._build(response))
        if not self.keep_alive:
            self._transport.close()

    def whole(self) -> bytes | None:
        """As Body.whole."""
        return None if self.more_body else self.body

    async def next_chunk(self) -> bytes:
        """As Body.next_chunk."""
        if self._expects_continue and not self._transport.is_closing():
            self._expects_continue = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self.body and self.more_body:
            self._flow.resume_reading()
            if self.disconnected:
                raise ClientDisconnect
            self.message_event.clear()
            await self.message_event.wait()
        chunk, self.body = self.body, b""
        return chunk

    def _build(self, response: HTTPResponse) -> bytes:
        own = response.headers
        if own.get("Connection") == "close":
            self.keep_alive = False
        elif not self.keep_alive:
            own = {**own, "Connection": "close"}
        defaults = b"".join([b"%b: %b\r\n" % header for header in self._server_state.default_headers])
        lines = "".join([f"{name}: {text}\r\n" for name, text in own.items()])
        length = f"content-length: {len(response.body)}\r\n\r\n"
        body = b"" if self._method == "HEAD" else response.body
        return b"".join([STATUS_LINE[response.status], defaults, (lines + length).encode("latin-1"), body])


def join_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by lower-case name; repeated ones are joined with commas (RFC 9110 §5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
