"""A configuration as a running service: components, shared listeners, signals, drain."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from starlette.routing import Route
from uvicorn.loops.auto import auto_loop_factory

from tollspan.collector import graph
from tollspan.collector.component import Component, Condition, Registry
from tollspan.collector.config.validate import Configuration, validate
from tollspan.collector.events import Counters
from tollspan.collector.grpc_server import GRPCServer
from tollspan.collector.http_server import HTTPServer
from tollspan.collector.self_telemetry import build_route, watch_process
from tollspan.errors import ConfigError, TollspanError

DRAIN_DEADLINE_S = 30.0
"""A stop takes at most about this long: half of it for requests in flight, what is left for components."""

_log = structlog.get_logger()


Reread = Callable[[], AbstractContextManager[Mapping[str, Any]]]
"""Reads the configuration again; raises what `load` raises, and may add to what is raised inside."""


class Service:
    """Runs the pipelines of one configuration, until it gets another.

    Building one checks the configuration: what `validate` and `graph.build` raise. Its own
    metrics are at `metrics_endpoint` where the configuration says nothing about them and
    the port is free.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        registry: Registry,
        *,
        drain_deadline_s: float = DRAIN_DEADLINE_S,
        metrics_endpoint: str | None = None,
        pipelines_required: bool = True,
    ) -> None:
        self.counters = Counters()
        self.http_servers: dict[str, HTTPServer] = {}
        self.grpc_servers: dict[str, GRPCServer] = {}
        self._validate = partial(validate, registry=registry, pipelines_required=pipelines_required)
        self._configuration = self._validate(config)
        self._graph = graph.build(self._configuration, ledger=self.counters.ledger)
        self._drain_deadline_s = drain_deadline_s
        self._metrics_endpoint = metrics_endpoint
        self._wake = asyncio.Event()
        self._stopping = False
        self._reload_wanted = False
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Every component has started, then every listener; when one could not, none is left running."""
        watch_process(self.counters)
        try:
            await self._start({})
        except BaseException:
            await self.shutdown()
            raise

    async def shutdown(self) -> None:
        """Nothing runs any more; what had been taken has been handed on, as far as the deadline let it.

        Listeners stop first, so that requests in flight still find their pipeline. A second
        call does nothing.
        """
        await self._stop_listeners()
        await self._graph.shutdown(self._drain_deadline_s / 2)

    async def reload(self, config: Mapping[str, Any]) -> None:
        """The service runs with `config`; or goes on as before, and what was wrong with it is raised.

        A configuration with known faults changes nothing. Else listeners stop for a moment:
        requests in flight are answered, connections wait. Exporters that change hand their
        queues over. When something does not start, the old configuration does again.
        """
        configuration = self._validate(config)
        new = graph.build(configuration, self._graph, self.counters.ledger)
        sockets = {
            endpoint: kept
            for endpoint, s in self.http_servers.items()
            if (kept := s.keep_socket()) is not None
        }
        try:
            old = self._configuration
            await self._replace_graph(configuration, new)
            try:
                await self._start(sockets)
            except Exception:
                again = graph.build(old, self._graph, self.counters.ledger)
                await self._replace_graph(old, again)
                await self._start(sockets)
                raise
        finally:
            for kept in sockets.values():
                kept.close()

    async def run(self, on_ready: Callable[[], None] | None = None, reread: Reread | None = None) -> None:
        """Serve from start to SIGINT, SIGTERM or a component's failure, which is raised after the drain.

        SIGHUP reloads what `reread` gives.
        """
        loop = asyncio.get_running_loop()
        handlers: dict[signal.Signals, Callable[[], None]] = {
            signal.SIGINT: self._want_stop,
            signal.SIGTERM: self._want_stop,
            **({signal.SIGHUP: self._want_reload} if reread else {}),
        }
        for os_signal, handler in handlers.items():
            loop.add_signal_handler(os_signal, handler)
        try:
            await self.start()
            if on_ready is not None:
                on_ready()
            while not self._stopping:
                await self._wake.wait()
                self._wake.clear()
                if self._reload_wanted and reread is not None and not self._stopping:
                    self._reload_wanted = False
                    await self._try_reload(reread)
            _log.info("service_stopping", failure=repr(self._failure) if self._failure else None)
        finally:
            await self.shutdown()
            for os_signal in handlers:
                loop.remove_signal_handler(os_signal)
        if self._failure is not None:
            raise self._failure

    async def _try_reload(self, reread: Reread) -> None:
        _log.info("config_reloading")
        try:
            with reread() as config:
                await self.reload(config)
        except ExceptionGroup as group:
            _log.error("config_reload_refused", problems=[str(problem) for problem in group.exceptions])
        except TollspanError as error:
            _log.error("config_reload_refused", problems=[str(error)])
        else:
            _log.info("config_reloaded")

    async def _start(self, sockets: Mapping[str, socket.socket]) -> None:
        """All components, then all listeners, on copies of the `sockets` that wait for them."""
        await self._graph.start(lambda node: _ServiceHost(self, node.id, node.durable_downstream))
        endpoints = self._configuration.telemetry.metrics.endpoints()
        for endpoint in endpoints or ():
            self.http_server(endpoint).add_routes([self._metrics_route()])
        for endpoint, server in self.http_servers.items():
            await server.start(_inherit(sockets, endpoint))
        if endpoints is None and self._metrics_endpoint is not None:
            await self._start_metrics(self._metrics_endpoint, sockets)
        for grpc_server in self.grpc_servers.values():
            await grpc_server.start()
        http = [server.url for server in self.http_servers.values()]
        _log.info("service_ready", http=http, grpc=[server.address for server in self.grpc_servers.values()])

    async def _start_metrics(self, endpoint: str, sockets: Mapping[str, socket.socket]) -> None:
        """The page that nobody asked for is served, unless something else is at its port."""
        server = HTTPServer(endpoint)
        server.add_routes([self._metrics_route()])
        try:
            await server.start(_inherit(sockets, endpoint))
        except ConfigError as error:
            _log.warning("metrics_not_served", reason=error.problem)
        else:
            self.http_servers[endpoint] = server

    def _metrics_route(self) -> Route:
        return build_route(self.counters, self._configuration.telemetry.resource)

    async def _replace_graph(self, configuration: Configuration, successor: graph.Graph) -> None:
        """Nothing of the current graph runs but what the successor reuses."""
        await self._stop_listeners()
        self.http_servers, self.grpc_servers = {}, {}
        await self._graph.shutdown(self._drain_deadline_s / 2, successor)
        self._graph, self._configuration = successor, configuration

    async def _stop_listeners(self) -> None:
        servers: list[HTTPServer | GRPCServer] = [*self.http_servers.values(), *self.grpc_servers.values()]
        await asyncio.gather(*(server.stop(self._drain_deadline_s / 2) for server in servers))

    def _want_stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def _want_reload(self) -> None:
        self._reload_wanted = True
        self._wake.set()

    def http_server(self, endpoint: str) -> HTTPServer:
        """The listener that everyone who names this endpoint shares."""
        return self.http_servers.setdefault(endpoint, HTTPServer(endpoint))

    def grpc_server(self, endpoint: str) -> GRPCServer:
        """The gRPC listener that everyone who names this endpoint shares."""
        return self.grpc_servers.setdefault(endpoint, GRPCServer(endpoint))

    def extension(self, component_id: str) -> Component:
        """The extension with that id."""
        return self._graph.extensions[component_id]

    def conditions(self) -> Mapping[str, Condition]:
        """How every component that can tell is doing."""
        return self._graph.conditions()

    def fail(self, error: BaseException) -> None:
        """The first error reported ends `run`."""
        self._failure = self._failure or error
        self._want_stop()


def _inherit(sockets: Mapping[str, socket.socket], endpoint: str) -> socket.socket | None:
    return sockets[endpoint].dup() if endpoint in sockets else None


@dataclass(frozen=True, slots=True)
class _ServiceHost:
    """The Host of one component."""

    service: Service
    component_id: str
    durable_downstream: bool

    @property
    def counters(self) -> Counters:
        return self.service.counters

    def conditions(self) -> Mapping[str, Condition]:
        return self.service.conditions()

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
