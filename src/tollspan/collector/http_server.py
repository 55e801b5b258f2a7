"""HTTP listeners that components share, and the bounds that every connection meets.

One listener is a uvicorn server in the running event loop. What uvicorn leaves open is
closed here: the time and size of a request's head, the number of connections, and how
long the rest of an answered request may still take. Bodies have their bounds in
`http_body`.
"""

from __future__ import annotations

import asyncio
import functools
import math
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import uvicorn
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tollspan.collector.config.values import split_endpoint
from tollspan.collector.exchange_cycle import Answer, ExchangeCycle, join_headers
from tollspan.collector.tls import TLSServerConfig
from tollspan.errors import ConfigError
from tollspan.otlp.http_exchange import Encoding, HTTPProblem, HTTPResponse, answer_encoding, failure

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

CANCEL_TIMEOUT_S = 1.0
"""A cancelled request has this long to answer."""


class HTTPServer:
    """One listener. Add routes, start, stop; `url` is known once it has started.

    `stopping` is set when the listener begins to stop. Answers that would never end by
    themselves must end then, or the stop takes its whole deadline.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.url = ""
        self.stopping = asyncio.Event()
        self._routes: list[BaseRoute] = []
        self._exchanges: dict[bytes, Answer] = {}
        self._sockets: list[socket.socket] = []
        self._server: uvicorn.Server | None = None
        self._clock: asyncio.Task[None] | None = None
        self._tls: TLSServerConfig | None = None

    def require_tls(self, tls: TLSServerConfig | None) -> None:
        """The listener will speak TLS, unless `tls` is None; only before `start`.

        ConfigError when another component wants it otherwise.
        """
        if self._routes and tls != self._tls:
            raise ConfigError("tls", f"two components want different TLS settings at {self.endpoint}")
        self._tls = tls

    def add_routes(self, routes: Sequence[BaseRoute]) -> None:
        """The routes will be served; only before `start`.

        They are tried in the order of their adding, mounts after all others. ConfigError
        when one of them is taken: a second component would wait there in vain.
        """
        taken = {_place(route) for route in self._routes}
        for route in routes:
            if _place(route) in taken:
                raise ConfigError("", f"two components want to serve {_place(route)[0]} at {self.endpoint}")
        self._routes += routes

    def add_exchanges(self, answers: Mapping[str, Answer]) -> None:
        """Every request for these paths, with any method, gets its answer from there; only before `start`.

        They go before routes. ConfigError when one of them is taken.
        """
        for path in answers:
            if path.encode() in self._exchanges:
                raise ConfigError("", f"two components want to serve {path} at {self.endpoint}")
        self._exchanges |= {path.encode(): answer for path, answer in answers.items()}

    async def start(self, inherited: socket.socket | None = None) -> None:
        """The listener accepts connections at `url`; ConfigError when it can't listen there.

        An `inherited` socket is what `keep_socket` of the listener before it gave.
        """
        context = self._tls.context() if self._tls else None
        listener = inherited or _bind(self.endpoint)
        routes = sorted(self._routes, key=lambda route: isinstance(route, Mount))
        config = uvicorn.Config(
            Router(routes, redirect_slashes=False, default=_answer_not_found),
            interface="asgi3",
            http=functools.partial(_Connection, self._exchanges),  # type: ignore[arg-type]  # calls it
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        config.load()
        config.ssl = context
        # Not Server.serve(): it takes over the process's signals and exits the process on errors.
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        self._server, self._sockets = server, [listener]
        self._clock = asyncio.create_task(server.main_loop())  # it keeps the Date header right
        self.url = (
            f"{'https' if context else 'http'}://{_dialable_host(self.endpoint)}:{listener.getsockname()[1]}"
        )

    @property
    def paths(self) -> list[str]:
        """Every path that is served, as its component wrote it."""
        return [*(path.decode() for path in self._exchanges), *(_place(route)[0] for route in self._routes)]

    def keep_socket(self) -> socket.socket | None:
        """A socket on which connections wait while this listener stops and the next one starts."""
        return self._sockets[0].dup() if self._sockets else None

    async def stop(self, deadline_s: float) -> None:
        """No connection is left. Requests had `deadline_s` to finish; the rest was cancelled."""
        server, self._server = self._server, None
        if server is None or self._clock is None:
            return
        self.stopping.set()
        self._clock.cancel()
        server.config.timeout_graceful_shutdown = math.ceil(deadline_s)
        await server.shutdown(sockets=self._sockets)
        if server.server_state.tasks:
            await asyncio.wait(server.server_state.tasks, timeout=CANCEL_TIMEOUT_S)


def read_headers(asgi_scope: Scope) -> dict[str, str]:
    """The request's headers by lower-case name; repeated ones are joined with commas (RFC 9110 §5.3)."""
    return join_headers(asgi_scope["headers"])


async def send_response(send: Send, response: HTTPResponse) -> None:
    """The response is on its way to the client."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _place(route: BaseRoute) -> tuple[str, frozenset[str]]:
    return getattr(route, "path", repr(route)), frozenset(getattr(route, "methods", None) or ())


async def _answer_not_found(asgi_scope: Scope, receive: Receive, send: Send) -> None:
    problem = HTTPProblem(404, "there is nothing at this path")
    await send_response(send, failure(problem, answer_encoding(read_headers(asgi_scope))))


class _Connection(HttpToolsProtocol):
    """Closes connections that are too many, whose heads are slow or large, or that never end a request."""

    _timer: asyncio.TimerHandle | None = None
    _awaiting_head = True
    _head_bytes = 0

    def __init__(self, exchanges: Mapping[bytes, Answer], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._exchanges = exchanges

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
        self._close_after(HEAD_TIMEOUT_S)

    def data_received(self, data: bytes) -> None:
        if self._awaiting_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._awaiting_head and self._head_bytes and not self.transport.is_closing():
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(431, f"the request's headers are larger than {HEAD_BYTES_MAX} bytes")
            elif self._timer is None:
                self._close_after(HEAD_TIMEOUT_S)

    def on_headers_complete(self) -> None:
        self._awaiting_head = False
        self._keep_open()
        answer = self._exchanges.get(self.url.partition(b"?")[0])
        if answer is None:
            super().on_headers_complete()
        else:
            self._begin_exchange(answer)

    def _begin_exchange(self, answer: Any) -> None:
        """As uvicorn begins a request, with the cycle that needs no ASGI: uvicorn takes it for its own."""
        previous: Any = self.cycle
        cycle: Any = ExchangeCycle(self)
        self.cycle = cycle
        if previous is None or previous.response_complete:
            self._start_asgi_task(cycle, answer)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, answer))

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._awaiting_head = True
        self._head_bytes = 0
        if self._timer is not None:
            # An answered request has been read away; uvicorn dropped its own idle timer meanwhile.
            self._close_after(KEEP_ALIVE_S)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        unread = self.cycle.response_complete and not self._awaiting_head
        if unread and self.expect_100_continue:
            # The client may send the body or not (RFC 9110 §10.1.1): what follows can't be told apart.
            self.transport.close()
        elif unread:
            self._close_after(UNREAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._keep_open()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "this is not an HTTP/1.1 request")

    def _refuse(self, status: int, message: str) -> None:
        answer = failure(HTTPProblem(status, message), Encoding.JSON)
        headers = {**answer.headers, "Content-Length": str(len(answer.body)), "Connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[status] + lines.encode() + b"\r\n" + answer.body)
        self.transport.close()

    def _close_after(self, seconds: float) -> None:
        self._keep_open()
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _keep_open(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _bind(endpoint: str) -> socket.socket:
    host, port = split_endpoint(endpoint)
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)  # noqa: S104 - as asked
        # IPv4 first, as Go's net.Listen and so the Collector does for localhost.
        family, *_, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise ConfigError("", f"cannot listen on {endpoint}: {error.strerror or error}") from error


def _dialable_host(endpoint: str) -> str:
    host, _ = split_endpoint(endpoint)
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
