"""One HTTP/1.1 connection: uvicorn's, with the bounds that it leaves open, and with exchanges.

Bounded here are the number of connections, the time and size of a request's head, and how
long the rest of an answered request may still take.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tollspan.collector.exchange_cycle import Answer, ExchangeCycle
from tollspan.otlp.http_exchange import Encoding, HTTPProblem, failure

CONNECTIONS_MAX = 4096
"""Further connections to a listener are closed at once."""

HEAD_BYTES_MAX = 65_536
HEAD_TIMEOUT_S = 10.0
"""A request's first line and headers must be complete by then; a new connection's first ones too."""

KEEP_ALIVE_S = 75
"""An idle connection stays open this long: longer than the minute between two metric exports."""

UNREAD_TIMEOUT_S = 10.0
"""For so long the rest of an answered request is read away: cutting the connection at once
would make clients see a network error instead of the answer, and send it all again."""


class HTTPConnection(HttpToolsProtocol):
    """Serves exchanges by their path, and everything else as uvicorn does.

    Exchanges are answered by one task for the whole connection: a task for each would cost
    as much as the parser.
    """

    def __init__(self, exchanges: Mapping[bytes, Answer], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._exchanges = exchanges
        self._message_event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._next: ExchangeCycle | None = None
        self._idle: asyncio.Future[None] | None = None
        self._awaiting_head = True
        self._head_bytes = 0
        self._close_at_s = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
        self._close_after(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)
        self._wake()

    def data_received(self, data: bytes) -> None:
        if self._awaiting_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._awaiting_head and self._head_bytes and not self.transport.is_closing():
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(431, f"the request's headers are larger than {HEAD_BYTES_MAX} bytes")
            elif self.loop.time() + HEAD_TIMEOUT_S < self._close_at_s:
                self._close_after(HEAD_TIMEOUT_S)

    def on_message_begin(self) -> None:
        # uvicorn also makes the ASGI scope here, which only requests that are no exchange need.
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        self._awaiting_head = False
        self._close_at_s = math.inf
        answer = self._exchanges.get(self.url.partition(b"?")[0])
        if answer is None:
            self._begin_asgi()
        else:
            self._begin_exchange(answer)

    def _begin_asgi(self) -> None:
        url, headers, expect_100_continue = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect_100_continue
        self.headers += headers
        super().on_headers_complete()

    def _begin_exchange(self, answer: Answer) -> None:
        """As uvicorn begins a request, with the cycle that needs no ASGI: uvicorn takes it for its own."""
        previous: Any = self.cycle
        cycle: Any = ExchangeCycle(self, answer, self._message_event)
        self.cycle = cycle
        if previous is None or previous.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """It is this request's turn."""
        if not isinstance(cycle, ExchangeCycle):
            super()._start_asgi_task(cycle, app)
            return
        self._next = cycle
        self._wake()
        if self._task is None:
            self._task = self.loop.create_task(self._answer_exchanges())
            self._task.add_done_callback(self.tasks.discard)
            self.tasks.add(self._task)

    async def _answer_exchanges(self) -> None:
        """Answer one exchange after the other, until the connection ends."""
        try:
            while not self.transport.is_closing():
                if self._next is None:
                    self._idle = self.loop.create_future()
                    await self._idle
                else:
                    cycle, self._next = self._next, None
                    await cycle.run()
                    self._on_exchange_complete()
        finally:
            self.transport.close()

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _on_exchange_complete(self) -> None:
        """As uvicorn's on_response_complete, with a timer that need not be set for each request."""
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._close_after(KEEP_ALIVE_S)
        self._bound_unread()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._awaiting_head = True
        self._head_bytes = 0
        if self.cycle.response_complete:
            # An answered request has been read away; uvicorn dropped its own idle timer meanwhile.
            self._close_after(KEEP_ALIVE_S)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._bound_unread()

    def _bound_unread(self) -> None:
        unread = self.cycle.response_complete and not self._awaiting_head
        if unread and self.expect_100_continue:
            # The client may send the body or not (RFC 9110 §10.1.1): what follows can't be told apart.
            self.transport.close()
        elif unread:
            self._close_after(UNREAD_TIMEOUT_S)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "this is not an HTTP/1.1 request")

    def _refuse(self, status: int, message: str) -> None:
        answer = failure(HTTPProblem(status, message), Encoding.JSON)
        headers = {**answer.headers, "Content-Length": str(len(answer.body)), "Connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[status] + lines.encode() + b"\r\n" + answer.body)
        self.transport.close()

    def _close_after(self, seconds: float) -> None:
        """The connection is closed then, unless `_close_at_s` moves; moving it away needs no other timer."""
        self._close_at_s = self.loop.time() + seconds
        if self._close_at_s < self._timer_at_s:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at_s = self._close_at_s
        self._timer = self.loop.call_at(self._timer_at_s, self._on_timer)

    def _on_timer(self) -> None:
        due = self._close_at_s <= self._timer_at_s
        self._timer, self._timer_at_s = None, math.inf
        if due:
            self.transport.close()
        elif self._close_at_s < math.inf:
            self._set_timer()
