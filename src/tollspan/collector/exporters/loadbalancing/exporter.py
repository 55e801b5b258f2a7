"""Backends that come and go, each with a queue; see the package."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

import msgspec
import structlog

from tollspan.collector.component import Condition, Factory, Host, Kind, Receipt
from tollspan.collector.events import ITEM_NAMES
from tollspan.collector.exporters.loadbalancing.config import DNSConfig, LoadBalancingConfig, with_port
from tollspan.collector.exporters.loadbalancing.ring import Ring
from tollspan.collector.exporters.otlp_grpc import OTLPGRPCDestination
from tollspan.collector.fan_out import Shares
from tollspan.collector.record_groups import group_records
from tollspan.collector.sender import Sender
from tollspan.errors import RetryableError
from tollspan.otlp import _reshape
from tollspan.otlp._message import Message
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

NO_BACKEND_AFTER_S = 1.0
"""How long a client is asked to wait while no backend is known."""

_RESOURCE = _ATTRIBUTES = 1 << 3 | 2
_TRACE_ID = {Signal.TRACES: 1 << 3 | 2, Signal.LOGS: 9 << 3 | 2}

_log = structlog.get_logger()


class LoadBalancing:
    """Splits batches by key and gives each part to the queue of its backend."""

    def __init__(self, config: LoadBalancingConfig) -> None:
        self._config = config
        self._backends: dict[str, Sender] = {}
        self._ring: Ring | None = None
        self._homeless: list[Batch] = []
        self._stopping = asyncio.Event()
        self._resolving: asyncio.Task[None] | None = None

    @property
    def durable(self) -> bool:
        """Whether what was taken outlives the process."""
        return self._config.protocol.otlp.sending_queue.durable

    async def start(self, host: Host) -> None:
        """Static backends are there; those of a name come with its first answer, which is not waited for."""
        self._host = host
        self._shares = Shares(host.counters.ledger)
        host.counters.watch(
            "otelcol_loadbalancer_num_backends", lambda: len(self._backends), exporter=host.component_id
        )
        resolver = self._config.resolver
        if resolver.static is not None:
            try:
                await self._use(resolver.static.hostnames)
            except BaseException:
                await self.shutdown()
                raise
        elif resolver.dns is not None:
            self._resolving = asyncio.create_task(self._watch(resolver.dns))

    async def shutdown(self) -> None:
        """Every backend's queue has been emptied as a Sender's shutdown says."""
        await self._stop_watching()
        await asyncio.gather(*(sender.shutdown() for sender in self._backends.values()))
        for batch in self._homeless:
            self._host.counters.ledger.account(batch.lane).dropped["shutdown"] += batch.items
            name = f"otelcol_exporter_send_failed_{ITEM_NAMES[batch.signal]}"
            self._host.counters.add(name, batch.items, exporter=self._host.component_id, reason="shutdown")

    async def hand_over(self) -> list[Batch]:
        """It has shut down; gives what the queues in memory still held."""
        await self._stop_watching()
        left = await asyncio.gather(*(sender.hand_over() for sender in self._backends.values()))
        return [*self._homeless, *(batch for batches in left for batch in batches)]

    def inherit(self, batches: Sequence[Batch]) -> None:
        """The batches are delivered once there are backends."""
        self._homeless += batches

    async def consume(self, batch: Batch) -> Receipt:
        """Each part is in the queue of its backend; what no key can be read of is rejected."""
        if self._ring is None:
            raise RetryableError("no backend is known yet", NO_BACKEND_AFTER_S)
        parts, malformed = self._split(batch, self._ring)
        shares = [(self._backends[endpoint], part) for endpoint, part in parts.items()]
        receipt = await self._shares.give(replace(batch, items=batch.items - malformed), shares)
        if not malformed:
            return receipt
        self._host.counters.ledger.account(batch.lane).refused["malformed"] += malformed
        return Receipt(receipt.rejected + malformed, "cannot be read")

    def condition(self) -> Condition:
        """How the worst backend is doing."""
        none = Condition(1, "no backend is known yet")
        conditions = [sender.condition() for sender in self._backends.values()]
        return max(conditions, key=lambda condition: (condition.failures, condition.waiting_s), default=none)

    def _split(self, batch: Batch, ring: Ring) -> tuple[dict[str, Batch], int]:
        """The batch's records by the endpoint of their backend, and how many cannot be read."""
        key = build_key(batch.signal, self._config.routing_key)
        groups, malformed = group_records(batch.wire, lambda record: ring.endpoint(key(record)))
        parts = {
            endpoint: replace(batch, wire=group.wire, items=_reshape.count(batch.signal.value, group.wire))
            for endpoint, group in groups.items()
        }
        return parts, malformed

    async def _use(self, endpoints: Iterable[str]) -> None:
        """These are the backends; what waited for others goes to them."""
        wanted = set(endpoints)
        for endpoint in wanted - self._backends.keys():
            config = msgspec.structs.replace(self._config.protocol.otlp, endpoint=with_port(endpoint))
            sender = Sender(config, OTLPGRPCDestination(config))
            await sender.start(_backend_host(self._host, endpoint))
            self._backends[endpoint] = sender
        gone = [self._backends.pop(endpoint) for endpoint in self._backends.keys() - wanted]
        ring = self._ring = Ring(wanted)
        self._shares = Shares(self._host.counters.ledger)
        _log.info("backends_found", exporter=self._host.component_id, backends=sorted(wanted))
        for sender in gone:
            self._homeless += await sender.hand_over()
        while self._homeless:
            parts, _ = self._split(self._homeless[0], ring)
            for endpoint, part in parts.items():
                await self._backends[endpoint].adopt([part])
            self._homeless.pop(0)

    async def _watch(self, dns: DNSConfig) -> None:
        """Look the name up until the shutdown; a defect stops the service."""
        try:
            while not self._stopping.is_set():
                await self._look_up(dns)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), dns.interval_s)
        except Exception as error:
            self._host.fail(error)

    async def _look_up(self, dns: DNSConfig) -> None:
        """The backends are what the name stands for; when that cannot be found out they stay as they are."""
        try:
            async with asyncio.timeout(dns.timeout_s):
                found = await resolve(dns.hostname, dns.port)
        except (OSError, TimeoutError) as error:
            _log.warning("backends_not_found", exporter=self._host.component_id, reason=repr(error))
            return
        if found != self._backends.keys():
            await self._use(found)

    async def _stop_watching(self) -> None:
        self._stopping.set()
        if self._resolving is not None:
            await self._resolving
        self._host.counters.unwatch("otelcol_loadbalancer_num_backends", exporter=self._host.component_id)


def build_key(signal: Signal, routing_key: str) -> Callable[[Message], bytes]:
    """What a record of that signal is routed by."""
    trace_id = _TRACE_ID.get(signal) if routing_key == "traceID" else None
    if trace_id is None:
        return _service_name
    return lambda record: record.raw(trace_id) or _service_name(record)


def _service_name(record: Message) -> bytes:
    scope_entry = record.parent
    assert scope_entry is not None, "records are in two envelopes"
    resource_entry = scope_entry.parent
    assert resource_entry is not None, "records are in two envelopes"
    name = resource_entry.part(_RESOURCE).attribute(_ATTRIBUTES, b"service.name")
    return name.encode() if isinstance(name, str) else b""


async def resolve(hostname: str, port: int) -> set[str]:
    """Every address of the name as `address:port`; OSError when there is none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(hostname, port, type=socket.SOCK_STREAM)
    addresses = {str(address[0]) for *_, address in found}
    return {f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address in addresses}


class _BackendHost:
    """The exporter's host, under the name of one backend."""

    def __init__(self, host: Host, endpoint: str) -> None:
        self._host = host
        self.component_id = f"{host.component_id}/{endpoint}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


def _backend_host(host: Host, endpoint: str) -> Host:
    return cast(Host, _BackendHost(host, endpoint))


FACTORY = Factory(kind=Kind.EXPORTER, type="loadbalancing", config=LoadBalancingConfig, build=LoadBalancing)
