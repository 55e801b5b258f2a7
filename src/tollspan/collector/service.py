"""A configuration as a running service: components, shared listeners, signals, drain."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from uvicorn.loops.auto import auto_loop_factory

from tollspan.collector import graph
from tollspan.collector.component import Component, Registry
from tollspan.collector.config.validate import validate
from tollspan.collector.events import Counters
from tollspan.collector.http_server import HTTPServer

if TYPE_CHECKING:
    from tollspan.collector.grpc_server import GRPCServer

DRAIN_DEADLINE_S = 30.0
"""A stop takes at most about this long: half of it for requests in flight, what is left for components."""

_log = structlog.get_logger()


class Service:
    """Runs the pipelines of one configuration once.

    Building one checks the configuration: what `validate` and `graph.build` raise.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        registry: Registry,
        *,
        drain_deadline_s: float = DRAIN_DEADLINE_S,
        pipelines_required: bool = True,
    ) -> None:
        self.counters = Counters()
        self.http_servers: dict[str, HTTPServer] = {}
        self.grpc_servers: dict[str, GRPCServer] = {}
        self._graph = graph.build(validate(config, registry, pipelines_required=pipelines_required))
        self._drain_deadline_s = drain_deadline_s
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Every component has started, then every listener; when one could not, none is left running."""
        try:
            await self._graph.start(lambda node: _ServiceHost(self, node.id))
            for server in self._servers():
                await server.start()
        except BaseException:
            await self.shutdown()
            raise
        http = [server.url for server in self.http_servers.values()]
        _log.info("service_ready", http=http, grpc=[server.address for server in self.grpc_servers.values()])

    async def shutdown(self) -> None:
        """Nothing runs any more; what had been taken has been handed on, as far as the deadline let it.

        Listeners stop first, so that requests in flight still find their pipeline. A second
        call does nothing.
        """
        await asyncio.gather(*(server.stop(self._drain_deadline_s / 2) for server in self._servers()))
        await self._graph.shutdown(self._drain_deadline_s / 2)

    async def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serve from start to SIGINT, SIGTERM or a component's failure, which is raised after the drain."""
        loop = asyncio.get_running_loop()
        for os_signal in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(os_signal, self._stop.set)
        try:
            await self.start()
            if on_ready is not None:
                on_ready()
            await self._stop.wait()
            _log.info("service_stopping", failure=repr(self._failure) if self._failure else None)
        finally:
            await self.shutdown()
            for os_signal in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(os_signal)
        if self._failure is not None:
            raise self._failure

    def http_server(self, endpoint: str) -> HTTPServer:
        """The listener that everyone who names this endpoint shares."""
        return self.http_servers.setdefault(endpoint, HTTPServer(endpoint))

    def grpc_server(self, endpoint: str) -> GRPCServer:
        """The gRPC listener that everyone who names this endpoint shares."""
        from tollspan.collector.grpc_server import GRPCServer  # noqa: PLC0415 - heavy, and seldom needed

        return self.grpc_servers.setdefault(endpoint, GRPCServer(endpoint))

    def extension(self, component_id: str) -> Component:
        """The extension with that id."""
        return self._graph.extensions[component_id]

    def fail(self, error: BaseException) -> None:
        """The first error reported ends `run`."""
        self._failure = self._failure or error
        self._stop.set()

    def _servers(self) -> list[HTTPServer | GRPCServer]:
        return [*self.http_servers.values(), *self.grpc_servers.values()]


@dataclass(frozen=True, slots=True)
class _ServiceHost:
    """The Host of one component."""

    service: Service
    component_id: str

    @property
    def counters(self) -> Counters:
        return self.service.counters

    def http_server(self, endpoint: str) -> HTTPServer:
        return self.service.http_server(endpoint)

    def grpc_server(self, endpoint: str) -> GRPCServer:
        return self.service.grpc_server(endpoint)

    def extension(self, component_id: str) -> Component:
        return self.service.extension(component_id)

    def fail(self, error: BaseException) -> None:
        self.service.fail(error)


def run_in_event_loop(main: Coroutine[Any, Any, None]) -> None:
    """`main` has run to its end, in uvloop where that is installed."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(main)
