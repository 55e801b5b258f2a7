"""gRPC listeners that components share: unary methods, which get the bytes of a message, not objects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tollspan.collector.grpc_call import Method
from tollspan.collector.http2_connection import HTTP2Connection, Listener
from tollspan.collector.listening import bind, dialable_host
from tollspan.collector.tls import TLSServerConfig
from tollspan.errors import ConfigError

CANCEL_TIMEOUT_S = 1.0
"""Cancelled calls have this long to say so."""

HANDSHAKE_TIMEOUT_S = 10.0
"""TLS must be agreed on by then."""


class GRPCServer:
    """One listener. Add services, start, stop; `address` (`host:port`) and `url` are known then."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.address = self.url = ""
        self._listener = Listener()
        self._services: set[str] = set()
        self._server: asyncio.Server | None = None
        self._tls: TLSServerConfig | None = None

    def require_tls(self, tls: TLSServerConfig | None) -> None:
        """The listener will speak TLS, unless `tls` is None; only before `start`.

        ConfigError when another component wants it otherwise.
        """
        if self._services and tls != self._tls:
            raise ConfigError("tls", f"two components want different TLS settings at {self.endpoint}")
        self._tls = tls

    def add_service(self, name: str, methods: Mapping[str, Method], *, message_bytes_max: int) -> None:
        """The methods will be served; only before `start`.

        No message may be larger than `message_bytes_max`, also after decompression; where
        services differ the largest limit holds for all.
        """
        if name in self._services:
            raise ConfigError("", f"two components want to serve {name} at {self.endpoint}")
        self._services.add(name)
        self._listener.methods |= {f"/{name}/{method}": answer for method, answer in methods.items()}
        limits = self._listener.limits
        limits.message_bytes_max = max(limits.message_bytes_max, message_bytes_max)

    async def start(self) -> None:
        """The listener accepts connections at `address`; ConfigError when it can't listen there."""
        context = self._tls.context() if self._tls else None
        if context is not None:
            context.set_alpn_protocols(["h2"])
        listener = bind(self.endpoint)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: HTTP2Connection(self._listener),
            sock=listener,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if context else None,
        )
        self.address = f"{dialable_host(self.endpoint)}:{listener.getsockname()[1]}"
        self.url = f"{'https' if context else 'http'}://{self.address}"

    async def stop(self, deadline_s: float) -> None:
        """No connection is left. Calls had `deadline_s` to finish; the rest was cancelled."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for connection in list(self._listener.connections):
            connection.drain()
        await self._wait_for_connections(deadline_s)
        for connection in list(self._listener.connections):
            connection.cancel()
        await self._wait_for_connections(CANCEL_TIMEOUT_S)
        for connection in list(self._listener.connections):
            connection.abort()
        await server.wait_closed()

    async def _wait_for_connections(self, timeout_s: float) -> None:
        closed = [asyncio.ensure_future(c.closed.wait()) for c in self._listener.connections]
        if closed:
            _, late = await asyncio.wait(closed, timeout=timeout_s)
            for waiting in late:
                waiting.cancel()
