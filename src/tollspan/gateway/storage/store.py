"""The gateway's telemetry on disk: written in groups, read by named statements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from tollspan.collector.component import Receipt
from tollspan.gateway.storage.engine import Engine, Parameter, Row
from tollspan.gateway.storage.group_commit import GroupCommit
from tollspan.gateway.storage.native_blocks import Column
from tollspan.gateway.storage.span_writer import SpanWriter
from tollspan.gateway.storage.statements import migrations, statement
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

READERS = 4

Found = TypeVar("Found")


class Store:
    """The telemetry in the directory `path`. A process can have only one open.

    Writing never waits for reading: there is one thread that writes, and READERS that read.
    """

    def __init__(self, path: Path) -> None:
        self._engine = Engine(path)
        self._writer = ThreadPoolExecutor(1, "tollspan-write")
        self._readers = ThreadPoolExecutor(READERS, "tollspan-read")
        self._groups: dict[Signal, GroupCommit] = {}

    async def open(self) -> None:
        """The directory is ours, its schema is that of this version, and the store may be used.

        StoreError when another process has it open.
        """
        await asyncio.get_running_loop().run_in_executor(self._writer, _migrate, self._engine)
        self._groups[Signal.TRACES] = GroupCommit(SpanWriter(self._engine).write, self._writer)

    async def write(self, batch: Batch) -> Receipt:
        """The sound items of `batch` are durable and can be queried.

        The same bytes for the same tenant and dataset are stored once, however often they
        come within a day. Raises WireError or LimitError when nothing of them can be stored,
        StoreError or RetryableError when they must be offered again.
        """
        return await self._groups[batch.signal].submit(batch)

    def view(self, tenant: str, datasets: Collection[str] = ()) -> View:
        """What `tenant` has in these datasets, or in all when none are named."""
        return View(self._engine, self._readers, tenant, tuple(datasets))

    async def close(self) -> None:
        """All that was taken is written, and the directory is free for another process."""
        for group in self._groups.values():
            await group.close()
        await asyncio.to_thread(self._readers.shutdown)
        self._writer.shutdown()
        self._engine.close()


class View:
    """The data of one tenant, which is all that can be asked about."""

    def __init__(self, engine: Engine, readers: Executor, tenant: str, datasets: tuple[str, ...]) -> None:
        self._engine = engine
        self._readers = readers
        self._bound: dict[str, Parameter] = {"tenant": tenant, "datasets": datasets}

    async def rows(self, name: str, /, **parameters: Parameter) -> list[Row]:
        """The answer to the named statement, by column name."""
        return await self._read(self._engine.rows, name, parameters)

    async def columns(self, name: str, /, **parameters: Parameter) -> dict[str, Column]:
        """The answer to the named statement, column by column (see `Engine.columns`)."""
        return await self._read(self._engine.columns, name, parameters)

    async def _read(
        self,
        ask: Callable[[str, Mapping[str, Parameter]], Found],
        name: str,
        parameters: Mapping[str, Parameter],
    ) -> Found:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, ask, statement(name), {**parameters, **self._bound})


@runtime_checkable
class StoreOwner(Protocol):
    """An extension with an open store."""

    store: Store


def _migrate(engine: Engine) -> None:
    """Run what was not run yet. A migration that was cut off is run again, so each must bear that."""
    engine.execute(statement("create_schema_migrations"))
    applied = {row["name"] for row in engine.rows(statement("load_schema_migrations"), {})}
    for name, sql in migrations().items():
        if name not in applied:
            engine.execute(sql)
            engine.rows(statement("record_schema_migration"), {"name": name})
