"""The component: puts the transports on their listeners."""

from __future__ import annotations

from collections.abc import Mapping

from tollspan.collector.component import Consumer, Factory, Host, Kind
from tollspan.collector.receivers.otlp import grpc_transport, http_transport
from tollspan.collector.receivers.otlp.config import GRPCConfig, HTTPConfig, OTLPConfig
from tollspan.collector.receivers.otlp.intake import Intake
from tollspan.otlp.signals import Signal


class OTLPReceiver:
    """Serves each configured protocol; the service starts and stops the listeners."""

    def __init__(self, config: OTLPConfig, consumers: Mapping[Signal, Consumer]) -> None:
        self._protocols = config.protocols
        self._consumers = consumers

    async def start(self, host: Host) -> None:
        """The OTLP paths and services are on the listeners of their endpoints."""
        if self._protocols.http is not None:
            self._start_http(self._protocols.http, host)
        if self._protocols.grpc is not None:
            self._start_grpc(self._protocols.grpc, host)

    async def shutdown(self) -> None:
        """Nothing is left to do: requests in flight ended with their listener."""

    def _start_http(self, config: HTTPConfig, host: Host) -> None:
        intake = Intake(self._consumers, config.auth, host, "http")
        server = host.http_server(config.endpoint)
        server.require_tls(config.tls)
        server.add_exchanges(http_transport.answers(config, intake))

    def _start_grpc(self, config: GRPCConfig, host: Host) -> None:
        intake = Intake(self._consumers, config.auth, host, "grpc")
        server = host.grpc_server(config.endpoint)
        server.require_tls(config.tls)
        grpc_transport.add_services(server, config, intake)


FACTORY = Factory(kind=Kind.RECEIVER, type="otlp", config=OTLPConfig, build=OTLPReceiver)
