"""What can be set at `receivers::jaeger`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from tollspan.collector.config.values import Endpoint, Size
from tollspan.collector.tls import TLSServerConfig
from tollspan.errors import ConfigError


class ThriftHTTPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`protocols::thrift_http`. The body's size limit holds before and after decompression."""

    endpoint: Endpoint = "localhost:14268"
    tls: TLSServerConfig | None = None
    body_bytes_max: Size = msgspec.field(default=20 << 20, name="max_request_body_size")


class GRPCConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`protocols::grpc`."""

    endpoint: Endpoint = "localhost:14250"
    tls: TLSServerConfig | None = None
    message_mib_max: Annotated[int, msgspec.Meta(ge=1, le=1024)] = msgspec.field(
        default=4, name="max_recv_msg_size_mib"
    )


class ProtocolsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`protocols`: each is served when it is named, even without settings."""

    grpc: GRPCConfig | None = None
    thrift_http: ThriftHTTPConfig | None = None


class JaegerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`receivers::jaeger`."""

    protocols: ProtocolsConfig = ProtocolsConfig()

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if self.protocols == ProtocolsConfig():
            yield ConfigError(
                "protocols", "must specify at least one protocol when using the Jaeger receiver"
            )
