"""What can be set at `receivers::otlp`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from tollspan.collector.component import Authenticator, Reference
from tollspan.collector.config.values import Duration, Endpoint, Size
from tollspan.collector.tls import TLSServerConfig
from tollspan.errors import ConfigError
from tollspan.otlp.signals import Signal


class AuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`auth`: the extension that says who a request comes from."""

    authenticator: Annotated[str, Reference(Authenticator)]


class CORSConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`cors`: pages of these origins may send telemetry; `*` in an origin stands for anything."""

    allowed_origins: list[str] = []
    allowed_headers: list[str] = []
    max_age_s: int = msgspec.field(default=7200, name="max_age")

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if "*" in self.allowed_origins and any(
            h.lower() in {"*", "authorization"} for h in self.allowed_headers
        ):
            hint = "name the origins that may send credentials"
            yield ConfigError(
                "allowed_headers", "lets every page on the web use a caller's credentials", hint
            )


class HTTPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`protocols::http`. The body's size limit holds before and after decompression."""

    endpoint: Endpoint = "localhost:4318"
    tls: TLSServerConfig | None = None
    auth: AuthConfig | None = None
    cors: CORSConfig = CORSConfig()
    body_bytes_max: Size = msgspec.field(default=64 << 20, name="max_request_body_size")
    read_timeout_s: Duration = msgspec.field(default=60.0, name="read_timeout")
    traces_url_path: str = Signal.TRACES.path
    metrics_url_path: str = Signal.METRICS.path
    logs_url_path: str = Signal.LOGS.path

    def path(self, signal: Signal) -> str:
        """The signal's path, with its leading slash."""
        path: str = getattr(self, f"{signal.value}_url_path")
        return "/" + path.removeprefix("/")

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        for key, value in (
            ("max_request_body_size", self.body_bytes_max),
            ("read_timeout", self.read_timeout_s),
        ):
            if not value:
                yield ConfigError(key, "must be more than 0", "leave it out for the default")
        for signal in Signal:
            if any(char in self.path(signal) for char in "{}?# "):
                hint = f"write for example {signal.path}"
                yield ConfigError(f"{signal.value}_url_path", "is not a URL path", hint)


class GRPCConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`protocols::grpc`. The message's size limit holds before and after decompression."""

    endpoint: Endpoint = "localhost:4317"
    tls: TLSServerConfig | None = None
    auth: AuthConfig | None = None
    message_mib_max: Annotated[int, msgspec.Meta(ge=1, le=1024)] = msgspec.field(
        default=64, name="max_recv_msg_size_mib"
    )

    @property
    def message_bytes_max(self) -> int:
        """The limit in bytes."""
        return self.message_mib_max << 20


class ProtocolsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`protocols`: each is served when it is named, even without settings."""

    grpc: GRPCConfig | None = None
    http: HTTPConfig | None = None


class OTLPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`receivers::otlp`."""

    protocols: ProtocolsConfig = ProtocolsConfig()

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if self.protocols == ProtocolsConfig():
            yield ConfigError("", "must specify at least one protocol when using the OTLP receiver")
