"""One gRPC channel; messages are bytes, not objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio

from tollspan.collector.tls import TLSClientConfig
from tollspan.otlp.http_exchange import RESPONSE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that did not end with OK."""

    code: int
    message: str
    trailers: Mapping[str, str | bytes]


class GRPCClient:
    """Makes unary calls over one channel, in the event loop that it was opened in."""

    def __init__(
        self, target: str, tls: TLSClientConfig | None, *, gzip: bool, options: Mapping[str, Any]
    ) -> None:
        self._target = re.sub("^https?://([^/]*).*", r"\1", target)
        self._tls = tls
        self._gzip = gzip
        self._options = {"grpc.max_receive_message_length": RESPONSE_BYTES_MAX, **options}
        self._channel: grpc.aio.Channel

    def open(self) -> None:
        """Calls can be made; the connection comes with the first. ConfigError when TLS cannot be used."""
        options = list(self._options.items())
        compression = grpc.Compression.Gzip if self._gzip else None
        if self._tls is None:
            self._channel = grpc.aio.insecure_channel(self._target, options, compression)
            return
        if self._tls.server_name_override:
            options.append(("grpc.ssl_target_name_override", self._tls.server_name_override))
        credentials = grpc.ssl_channel_credentials(
            self._tls.read("ca"), self._tls.read("key"), self._tls.read("cert")
        )
        self._channel = grpc.aio.secure_channel(self._target, credentials, options, compression)

    async def close(self) -> None:
        """No connection is left."""
        await self._channel.close()

    async def call(
        self, path: str, message: bytes, metadata: Mapping[str, str], *, wait_for_ready: bool
    ) -> bytes | Failed:
        """The answer's bytes, or why there is none."""
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(path)
        pairs = tuple(metadata.items())
        try:
            answer: bytes = await method(message, metadata=pairs, wait_for_ready=wait_for_ready)
        except grpc.aio.AioRpcError as error:
            trailers = dict(error.trailing_metadata() or ())
            return Failed(error.code().value[0], error.details() or "", trailers)
        return answer
