"""What can be set at `exporters::loadbalancing`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from tollspan.collector.config.values import Duration, Parsed
from tollspan.collector.exporters.otlp_grpc import OTLPGRPCConfig, parse_target
from tollspan.errors import ConfigError

PORT = 4317


def parse_port(value: object) -> int:
    """The port in `4317` or `"4317"`; ValueError when it is none."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 16):
        raise ValueError(f"{value!r} is not a port")
    return int(text)


def parse_backend(value: object) -> str:
    """`value`, which is a host or `host:port`."""
    if not isinstance(value, str):
        raise ValueError("must be host or host:port; write for example gateway-0:4317")
    parse_target(with_port(value))
    return value


def with_port(backend: str) -> str:
    """The backend as `host:port`."""
    return backend if backend.rpartition(":")[2].isdecimal() else f"{backend}:{PORT}"


class StaticConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`resolver::static`: the backends, by name; a port that is left out is 4317."""

    hostnames: list[Annotated[str, Parsed(parse_backend)]]

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if not self.hostnames:
            yield ConfigError("hostnames", "at least one is needed")


class DNSConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`resolver::dns`: the backends are all addresses of a name, asked for every `interval`."""

    hostname: str
    port: Annotated[int, Parsed(parse_port)] = PORT
    interval_s: Duration = msgspec.field(default=5.0, name="interval")
    timeout_s: Duration = msgspec.field(default=1.0, name="timeout")

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        for name in ("interval", "timeout"):
            if not getattr(self, f"{name}_s"):
                yield ConfigError(name, "must be more than 0")


class ResolverConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`resolver`: one of them."""

    static: StaticConfig | None = None
    dns: DNSConfig | None = None

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if (self.static is None) is (self.dns is None):
            yield ConfigError("", "one of static and dns must be set")


class BackendConfig(OTLPGRPCConfig, frozen=True, kw_only=True):
    """`protocol::otlp`: every key of `otlp_grpc` but the endpoint, which the resolver finds."""

    endpoint: str = ""

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        yield from super().problems()
        if self.endpoint:
            yield ConfigError("endpoint", "is found by the resolver", "leave it out")
        if not self.sending_queue.enabled:
            problem = "is needed: without its queue a backend that is down would hold up the others"
            yield ConfigError("sending_queue::enabled", problem)


class ProtocolConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`protocol`."""

    otlp: BackendConfig = BackendConfig()


class LoadBalancingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`exporters::loadbalancing`. Metrics, and log records without a trace, are routed by service."""

    resolver: ResolverConfig
    protocol: ProtocolConfig = ProtocolConfig()
    routing_key: Literal["traceID", "service"] = "traceID"

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        if self.resolver.dns is not None and self.protocol.otlp.sending_queue.storage is not None:
            yield ConfigError(
                "protocol::otlp::sending_queue::storage",
                "is not possible with the dns resolver: an address that is gone leaves its queue behind",
                "use the static resolver with stable names, such as those of a StatefulSet",
            )
