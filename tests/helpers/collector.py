"""A collector in the test's own event loop: the OTLP receiver, a Recorder behind it."""

import contextlib

from helpers.components import FixedCallers, Recorder, authenticator_factory, exporter_factory
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.registry import build_registry
from tollspan.collector.service import Service
from tollspan.oauth2.principal import Principal
from tollspan.otlp.signals import Signal

WRITE_ALL = frozenset(signal.write_permission for signal in Signal)

CALLERS = {
    "writer": Principal("writer", "acme", WRITE_ALL),
    "shop": Principal("shop", "acme", WRITE_ALL, frozenset({"shop"})),
    "two": Principal("two", "acme", WRITE_ALL, frozenset({"shop", "bank"})),
    "reader": Principal("reader", "acme", frozenset({"read:traces"})),
}


class RunningCollector:
    """What a test needs of a running collector."""

    def __init__(self, service, recorder, callers):
        self.service = service
        self.recorder = recorder
        self.callers = callers

    @property
    def url(self):
        (server,) = self.service.http_servers.values()
        return server.url

    @property
    def address(self):
        (server,) = self.service.grpc_servers.values()
        return server.address

    @property
    def batches(self):
        return self.recorder.batches

    def count(self, name, **labels):
        return self.service.counters.total(name, **labels)


@contextlib.asynccontextmanager
async def running_collector(
    *, protocol="http", guarded=False, signals=tuple(Signal), answer=None, drain_s=5, **settings
):
    """A collector with a pipeline for each of `signals`; `settings` are merged into its one protocol's."""
    recorder, callers = Recorder(answer), FixedCallers(CALLERS)
    auth = {"auth": {"authenticator": "callers"}} if guarded else {}
    pipeline = {"receivers": ["otlp"], "exporters": ["recorder"]}
    document = {
        "receivers": {"otlp": {"protocols": {protocol: {"endpoint": "127.0.0.1:0", **auth, **settings}}}},
        "exporters": {"recorder": None},
        "extensions": {"callers": None},
        "service": {"extensions": ["callers"], "pipelines": {s.value: pipeline for s in signals}},
    }
    registry = build_registry([*FACTORIES, exporter_factory(recorder), authenticator_factory(callers)])
    service = Service(document, registry, drain_deadline_s=drain_s)
    await service.start()
    try:
        yield RunningCollector(service, recorder, callers)
    finally:
        recorder.gate.set()
        await service.shutdown()
