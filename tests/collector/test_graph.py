import asyncio
from typing import Annotated

import msgspec
import pytest

from helpers.components import NoConfig, Recorder, exporter_factory
from tollspan.collector.component import Authenticator, Factory, Kind, Receipt, Reference
from tollspan.collector.config.validate import validate
from tollspan.collector.graph import build
from tollspan.collector.registry import build_registry
from tollspan.errors import ConfigError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

BATCH = Batch(Signal.TRACES, b"wire", 3)


class Diary:
    """Components that write down what happens to them, in one common list."""

    def __init__(self):
        self.entries = []
        self.built = []
        self.failing = {}

    def factory(self, kind, type_, config=NoConfig):
        def build_one(config, consumer=None):
            component = Entry(self, type_, consumer)
            self.built.append(component)
            return component

        return Factory(kind=kind, type=type_, config=config, build=build_one)


class Entry:
    def __init__(self, diary, name, next_):
        self._diary = diary
        self.name = name
        self.next = next_

    async def _write(self, verb):
        self._diary.entries.append(f"{verb} {self.name}")
        error = self._diary.failing.get(f"{verb} {self.name}")
        if isinstance(error, asyncio.Event):
            await error.wait()
        elif error is not None:
            raise error

    async def start(self, host):
        await self._write("start")

    async def shutdown(self):
        await self._write("stop")

    async def consume(self, batch):
        await self._write("consume")
        return Receipt() if self.next is None else await self.next.consume(batch)


class RefersConfig(msgspec.Struct, frozen=True, kw_only=True):
    auth: Annotated[str, Reference(Authenticator)] | None = None


@pytest.fixture
def diary():
    return Diary()


def build_from(diary, pipelines, extensions=("x2", "x1"), **bodies):
    registry = build_registry(
        [
            *(diary.factory(Kind.RECEIVER, name, RefersConfig) for name in ("r1", "r2")),
            *(diary.factory(Kind.PROCESSOR, name) for name in ("p1", "p2")),
            *(diary.factory(Kind.EXPORTER, name) for name in ("e1", "e2")),
            *(diary.factory(Kind.EXTENSION, name) for name in ("x1", "x2")),
        ]
    )
    document = {
        "receivers": {name: bodies.get(name) for name in ("r1", "r2")},
        "processors": {"p1": None, "p2": None},
        "exporters": {"e1": None, "e2": None},
        "extensions": {"x1": None, "x2": None},
        "service": {"extensions": list(extensions), "pipelines": pipelines},
    }
    return build(validate(document, registry))


PIPELINES = {
    "traces": {"receivers": ["r1"], "processors": ["p1", "p2"], "exporters": ["e1", "e2"]},
    "traces/2": {"receivers": ["r1", "r2"], "exporters": ["e1"]},
    "logs": {"receivers": ["r2"], "processors": ["p1"], "exporters": ["e2"]},
}


async def test_extensions_start_first_in_listed_order_and_receivers_last_and_stop_the_other_way_round(diary):
    graph = build_from(diary, PIPELINES)
    await graph.start(lambda node: None)
    started = [entry.removeprefix("start ") for entry in diary.entries]
    assert started == ["x2", "x1", "e1", "e2", "p2", "p1", "p1", "r1", "r2"]
    diary.entries.clear()
    await graph.shutdown(5)
    assert [entry.removeprefix("stop ") for entry in diary.entries] == started[::-1]


async def test_a_second_shutdown_does_nothing(diary):
    graph = build_from(diary, PIPELINES)
    await graph.start(lambda node: None)
    await graph.shutdown(5)
    diary.entries.clear()
    await graph.shutdown(5)
    assert diary.entries == []


async def test_there_is_one_receiver_and_exporter_per_id_and_one_processor_per_pipeline(diary):
    build_from(diary, PIPELINES)
    names = sorted(entry.name for entry in diary.built)
    assert names == ["e1", "e2", "p1", "p1", "p2", "r1", "r2", "x1", "x2"]


async def test_what_no_pipeline_uses_is_not_built(diary):
    build_from(diary, {"traces": {"receivers": ["r1"], "exporters": ["e1"]}}, extensions=())
    assert sorted(entry.name for entry in diary.built) == ["e1", "r1"]


async def test_a_batch_passes_the_processors_in_order_and_reaches_every_exporter(diary):
    build_from(diary, PIPELINES)
    receiver = next(entry for entry in diary.built if entry.name == "r1")
    assert receiver.next.keys() == {Signal.TRACES}
    await receiver.next[Signal.TRACES].consume(BATCH)
    consumed = [entry.removeprefix("consume ") for entry in diary.entries]
    assert sorted(consumed) == ["e1", "e1", "e2", "p1", "p2"]
    assert consumed.index("p1") < consumed.index("p2") < consumed.index("e2")


@pytest.mark.parametrize("failing", ["x2", "x1", "e1", "p2", "r2"])
async def test_after_a_component_that_does_not_start_only_what_had_started_is_stopped(diary, failing):
    diary.failing[f"start {failing}"] = error = ValueError("no")
    graph = build_from(diary, PIPELINES)
    with pytest.raises(ValueError, match="no") as caught:
        await graph.start(lambda node: None)
    await graph.shutdown(5)
    assert caught.value is error
    assert f"::{failing}" in error.__notes__[0]
    started = [entry[6:] for entry in diary.entries if entry.startswith("start ")]
    stopped = [entry[5:] for entry in diary.entries if entry.startswith("stop ")]
    assert stopped == started[:-1][::-1]


async def test_a_component_that_fails_to_stop_does_not_keep_the_others_running(diary):
    diary.failing = {"stop e2": ValueError("no"), "stop p2": asyncio.Event()}
    graph = build_from(diary, PIPELINES)
    await graph.start(lambda node: None)
    await graph.shutdown(0.05)
    assert sum(entry.startswith("stop ") for entry in diary.entries) == 9


def test_a_reference_to_the_wrong_kind_of_extension_is_an_error_at_its_path(diary):
    with pytest.raises(ExceptionGroup) as caught:
        build_from(diary, PIPELINES, r1={"auth": "x1"})
    assert [str(error) for error in caught.value.exceptions] == [
        'receivers::r1::auth: "x1" is not an Authenticator'
    ]


def test_a_component_that_cannot_be_built_names_its_place():
    def refuse(config):
        raise ConfigError("path", "no such folder")

    registry = build_registry(
        [
            Factory(kind=Kind.RECEIVER, type="r", config=NoConfig, build=None),
            Factory(kind=Kind.EXPORTER, type="e", config=NoConfig, build=refuse),
        ]
    )
    document = {
        "receivers": {"r": None},
        "exporters": {"e/1": None},
        "service": {"pipelines": {"traces": {"receivers": ["r"], "exporters": ["e/1"]}}},
    }
    with pytest.raises(ConfigError, match="exporters::e/1::path: no such folder"):
        build(validate(document, registry))


def test_the_same_exporter_serves_several_pipelines():
    recorder = Recorder()
    registry = build_registry(
        [
            exporter_factory(recorder),
            Factory(kind=Kind.RECEIVER, type="r", config=NoConfig, build=lambda c, n: n),
        ]
    )
    pipeline = {"receivers": ["r"], "exporters": ["recorder"]}
    document = {
        "receivers": {"r": None},
        "exporters": {"recorder": None},
        "service": {"pipelines": {"traces": pipeline, "logs": pipeline}},
    }
    graph = build(validate(document, registry))
    consumers = {signal: door._consumer for signal, door in graph.nodes[-1].component.items()}
    assert consumers == {Signal.TRACES: recorder, Signal.LOGS: recorder}
