"""Sends OTLP over gRPC. A batch goes out as it came in.

    exporters:
      otlp_grpc:
        endpoint: otlp.example.com:4317
        auth:
          authenticator: oauth2client

`otlp` is the same exporter under its older name. The connection is encrypted unless
`tls::insecure` or an `http://` endpoint says otherwise; credentials go either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
import structlog

from tollspan.collector.component import ClientAuthenticator, Factory, Host, Kind, Receipt
from tollspan.collector.config.values import Duration, Opaque, Parsed
from tollspan.collector.http_destination import ClientAuthConfig, user_agent, wait_for_credentials
from tollspan.collector.otlp_outcome import conclude
from tollspan.collector.sender import Sender
from tollspan.collector.sender_config import SenderConfig
from tollspan.collector.tls import TLSClientConfig
from tollspan.errors import ConfigError
from tollspan.oauth2.loopback import is_loopback
from tollspan.otlp.batch import Batch
from tollspan.otlp.grpc_exchange import SERVICES, read_status
from tollspan.otlp.http_exchange import Encoding, Outcome, Unauthorized, read_response

_log = structlog.get_logger()

_NOT_IN_GRPC = frozenset(
    {
        "include_system_ca_certs_pool",
        "insecure_skip_verify",
        "max_version",
        "min_version",
        "reload_interval_s",
    }
)
"""Settings of TLS that gRPC for Python leaves no choice about."""

_TARGET = re.compile(r"(?:dns:(?:///)?)?(?:[^/:\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}|unix:.+", re.ASCII)


def parse_target(value: object) -> str:
    """`value`, which is `host:port`, `http(s)://host:port`, `dns:///host:port` or `unix:///path`."""
    text = value if isinstance(value, str) else ""
    place = urlsplit(text).netloc if re.match("https?://", text) else text
    if not _TARGET.fullmatch(place):
        raise ValueError("must be host:port; write for example otlp.example.com:4317")
    return str(text)


class KeepaliveConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`keepalive`: how a quiet connection is tried."""

    time_s: Duration = msgspec.field(default=10.0, name="time")
    timeout_s: Duration = msgspec.field(default=10.0, name="timeout")
    permit_without_stream: bool = False

    def options(self) -> dict[str, int]:
        """The same in gRPC's words."""
        return {
            "grpc.keepalive_time_ms": int(self.time_s * 1000),
            "grpc.keepalive_timeout_ms": int(self.timeout_s * 1000),
            "grpc.keepalive_permit_without_calls": int(self.permit_without_stream),
        }


class OTLPGRPCConfig(SenderConfig, frozen=True, kw_only=True):
    """`exporters::otlp_grpc`."""

    endpoint: Annotated[str, Parsed(parse_target)]
    tls: TLSClientConfig = TLSClientConfig()
    compression: Literal["", "none", "gzip"] = "gzip"
    headers: dict[str, Opaque] = msgspec.field(default_factory=dict)
    auth: ClientAuthConfig | None = None
    keepalive: KeepaliveConfig | None = None
    balancer_name: Literal["round_robin", "pick_first"] = "round_robin"
    authority: str = ""
    user_agent: str = ""
    wait_for_ready: bool = False

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        plain = self.tls.insecure or self.endpoint.startswith(("http://", "unix:"))
        return self.endpoint.startswith("https://") or not plain

    def problems(self) -> Iterator[ConfigError]:
        """What the fields alone do not show."""
        for field in msgspec.structs.fields(TLSClientConfig) if self.encrypted else ():
            if field.name in _NOT_IN_GRPC and getattr(self.tls, field.name) != field.default:
                yield ConfigError(f"tls::{field.encode_name}", "is not possible with gRPC", "leave it out")

    def options(self) -> dict[str, Any]:
        """What a channel is told."""
        options = {
            "grpc.lb_policy_name": self.balancer_name,
            "grpc.primary_user_agent": self.user_agent or user_agent(),
            "grpc.default_authority": self.authority,
            **(self.keepalive.options() if self.keepalive else {}),
        }
        return {name: option for name, option in options.items() if option != ""}


class OTLPGRPCDestination:
    """Makes Export calls."""

    def __init__(self, config: OTLPGRPCConfig) -> None:
        self._config = config
        self._headers: dict[str, str] = {}
        self._authenticator: ClientAuthenticator | None = None

    async def start(self, host: Host) -> None:
        """Calls can be made."""
        # Importing gRPC takes time and memory that only those pay who send with it.
        from tollspan.collector.grpc_client import GRPCClient  # noqa: PLC0415 - see above

        config = self._config
        tls = config.tls if config.encrypted else None
        self._client = GRPCClient(
            config.endpoint, tls, gzip=config.compression == "gzip", options=config.options()
        )
        self._client.open()
        self._headers = {name.lower(): text.reveal() for name, text in config.headers.items()}
        if config.auth is not None:
            extension = host.extension(config.auth.authenticator)
            assert isinstance(extension, ClientAuthenticator), "the graph has checked the reference"
            self._authenticator = extension
            if tls is None and not is_loopback(f"http://{config.endpoint.removeprefix('http://')}"):
                _log.warning("credentials_unencrypted", exporter=host.component_id, url=config.endpoint)

    async def shutdown(self) -> None:
        """No connection is left."""
        await self._client.close()

    async def send(self, batch: Batch) -> Receipt:
        """As Destination.send."""
        if self._authenticator is None:
            return conclude(batch, await self._export(batch, {}))
        credentials = await wait_for_credentials(self._authenticator, self._config)
        outcome = await self._export(batch, credentials)
        if isinstance(outcome, Unauthorized) and self._authenticator.refused(credentials):
            credentials = await wait_for_credentials(self._authenticator, self._config)
            outcome = await self._export(batch, credentials)
        return conclude(batch, outcome)

    async def _export(self, batch: Batch, credentials: Mapping[str, str]) -> Outcome:
        path = f"/{SERVICES[batch.signal]}/Export"
        metadata = {**self._headers, **credentials}
        answer = await self._client.call(
            path, batch.wire, metadata, wait_for_ready=self._config.wait_for_ready
        )
        if isinstance(answer, bytes):
            return read_response(batch.signal, 200, {"content-type": Encoding.PROTOBUF.value}, answer)
        return read_status(answer.code, answer.message, answer.trailers)


FACTORY = Factory(
    kind=Kind.EXPORTER,
    type="otlp_grpc",
    config=OTLPGRPCConfig,
    build=lambda config: Sender(config, OTLPGRPCDestination(config)),
    old_names=("otlp",),
)
