"""HTTP listeners that components share.

One listener is a uvicorn server in the running event loop. What uvicorn leaves open is
closed in `http_connection` and, for bodies, in `http_body`.
"""

from __future__ import annotations

import asyncio
import functools
import math
import socket
from collections.abc import Mapping, Sequence

import uvicorn
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import Receive, Scope, Send

from tollspan.collector.exchange_cycle import Answer, join_headers
from tollspan.collector.http_connection import KEEP_ALIVE_S, HTTPConnection
from tollspan.collector.listening import bind, dialable_host
from tollspan.collector.tls import TLSServerConfig
from tollspan.errors import ConfigError
from tollspan.otlp.http_exchange import HTTPProblem, HTTPResponse, answer_encoding, failure

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
        self._required_tls: list[TLSServerConfig | None] = []

    def require_tls(self, tls: TLSServerConfig | None) -> None:
        """The listener will speak TLS, unless `tls` is None; only before `start`.

        ConfigError when another component wants it otherwise; one that does not ask takes
        what the others want.
        """
        if any(tls != required for required in self._required_tls):
            raise ConfigError("tls", f"two components want different TLS settings at {self.endpoint}")
        self._required_tls.append(tls)

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
        tls = next(iter(self._required_tls), None)
        context = tls.context() if tls else None
        listener = inherited or bind(self.endpoint)
        routes = sorted(self._routes, key=lambda route: isinstance(route, Mount))
        config = uvicorn.Config(
            Router(routes, redirect_slashes=False, default=_answer_not_found),
            interface="asgi3",
            http=functools.partial(HTTPConnection, self._exchanges),  # type: ignore[arg-type]  # calls it
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
            f"{'https' if context else 'http'}://{dialable_host(self.endpoint)}:{listener.getsockname()[1]}"
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
