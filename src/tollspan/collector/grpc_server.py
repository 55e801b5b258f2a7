"""gRPC listeners that components share. Methods get the bytes of a message, not objects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio

from tollspan.collector.config.values import split_endpoint
from tollspan.collector.tls import TLSServerConfig, read_pem
from tollspan.errors import ConfigError

Context = grpc.aio.ServicerContext[bytes, bytes]

Method = Callable[[AsyncIterator[bytes], Context], Awaitable[bytes]]
"""Answers one call. It is called before the message has come, which it then takes from the iterator."""

STREAMS_MAX = 256
"""Calls that one connection may have open at a time."""

HEAD_BYTES_MAX = 65_536

IDLE_MS = 300_000
"""A connection without calls is closed after this."""


class GRPCServer:
    """One listener. Add services, start, stop; `address` (`host:port`) is known once it has started."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.address = ""
        self._services: dict[str, Mapping[str, Method]] = {}
        self._message_bytes_max = 0
        self._server: grpc.aio.Server | None = None
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

        A larger message, also after decompression, is answered RESOURCE_EXHAUSTED; where
        services differ the largest limit holds for all.
        """
        if name in self._services:
            raise ConfigError("", f"two components want to serve {name} at {self.endpoint}")
        self._services[name] = methods
        self._message_bytes_max = max(self._message_bytes_max, message_bytes_max)

    async def start(self) -> None:
        """The listener accepts connections at `address`; ConfigError when it can't listen there."""
        options: list[tuple[str, Any]] = [
            ("grpc.max_receive_message_length", self._message_bytes_max),
            ("grpc.max_concurrent_streams", STREAMS_MAX),
            ("grpc.max_metadata_size", HEAD_BYTES_MAX),
            ("grpc.max_connection_idle_ms", IDLE_MS),
            ("grpc.so_reuseport", 0),
        ]
        server = grpc.aio.server(options=options)
        for name, methods in self._services.items():
            # A unary call looks the same on the wire; only this kind of handler runs before its message.
            handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
                method: grpc.stream_unary_rpc_method_handler(answer) for method, answer in methods.items()
            }
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
        host, port = split_endpoint(self.endpoint)
        try:
            place = self.endpoint if host else f"[::]:{port}"
            if self._tls is None:
                bound = server.add_insecure_port(place)
            else:
                bound = server.add_secure_port(place, build_credentials(self._tls))
        except RuntimeError as error:
            raise ConfigError("", f"cannot listen on {self.endpoint}: address not available") from error
        await server.start()
        self._server = server
        self.address = f"{host or '127.0.0.1'}:{bound}"

    async def stop(self, deadline_s: float) -> None:
        """No connection is left. Calls had `deadline_s` to finish; the rest was cancelled."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(deadline_s)


def build_credentials(tls: TLSServerConfig) -> grpc.ServerCredentials:
    """The same in gRPC's words; ConfigError when a file cannot be read or used."""
    tls.context()  # gRPC says nothing about certificates that it cannot use
    authorities = read_pem("client_ca_file", tls.client_ca_file) if tls.client_ca_file else None
    pair = tls.read("key") or b"", tls.read("cert") or b""
    return grpc.ssl_server_credentials([pair], authorities, require_client_auth=authorities is not None)
