"""The gateway's telemetry on disk: written in groups, read by named statements."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import structlog

from tollspan.collector.component import Receipt
from tollspan.errors import StoreError
from tollspan.gateway.storage import image, integrity, upkeep
from tollspan.gateway.storage.attribute_conditions import EVERY, Where
from tollspan.gateway.storage.engine import DISK_RESERVE_BYTES, Engine, Parameter, Row
from tollspan.gateway.storage.envelopes import Envelopes
from tollspan.gateway.storage.group_commit import GroupCommit
from tollspan.gateway.storage.item_writer import ItemWriter
from tollspan.gateway.storage.native_blocks import Column
from tollspan.gateway.storage.statements import fill, migrations, statement
from tollspan.gateway.storage.sweep_clock import SweepClock
from tollspan.gateway.storage.upkeep import KEEP_ALL, Removed, Retention
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

_log = structlog.get_logger()

TELEMETRY = "telemetry"
"""The folder of the store in a gateway's data folder."""

READERS = 4
CHECK_TIMEOUT_S = 5.0
UPKEEP_INTERVAL_S = 3600.0

Found = TypeVar("Found")


class Store:
    """The telemetry in a directory, of which a process can have only one open, or at a server's URL.

    Writing never waits for reading: there is one thread that writes, and READERS that read.
    """

    def __init__(self, where: Path | str, retention: Retention = KEEP_ALL) -> None:
        self._engine = _engine(where)
        self._folder = where if isinstance(where, Path) else None
        self._has_image = False
        self._retention = retention
        self._upkeep = ThreadPoolExecutor(1, "tollspan-upkeep")
        self._caring: asyncio.Task[None] | None = None
        self._writer = ThreadPoolExecutor(1, "tollspan-write")
        self._readers = ThreadPoolExecutor(READERS, "tollspan-read")
        self._groups: dict[Signal, GroupCommit] = {}

    async def open(self) -> None:
        """The directory is ours, its schema is that of this version, and the store may be used.

        StoreError when another process has it open.
        """
        await asyncio.get_running_loop().run_in_executor(self._writer, _migrate, self._engine)
        if self._folder is not None:
            await asyncio.to_thread(image.drop, self._folder)  # a process that was killed may have left one
        envelopes = Envelopes(self._engine)
        self._caring = asyncio.create_task(self._care_regularly())
        for signal in Signal:
            writer = ItemWriter(self._engine, envelopes, signal)
            self._groups[signal] = GroupCommit(writer.write, self._writer)

    async def erase_trace(self, tenant: str, datasets: Collection[str], trace_id: str) -> Removed:
        """The tenant's trace is gone from these datasets, or from all when none are named."""
        return await self._maintain(upkeep.erase_trace, tenant, tuple(datasets), trace_id, time.time())

    async def erase_unit(self, tenant: str, datasets: Collection[str], unit: str) -> Removed:
        """Everything of the tenant's unit is gone from these datasets, or from all when none are named."""
        return await self._maintain(upkeep.erase_unit, tenant, tuple(datasets), unit, time.time())

    async def write(self, batch: Batch) -> Receipt:
        """The sound items of `batch` are durable and can be queried.

        The same bytes for the same tenant and dataset are stored once, however often they
        come within a day. Raises WireError or LimitError when nothing of them can be stored,
        StoreError or RetryableError when they must be offered again.
        """
        return await self._groups[batch.signal].submit(batch)

    @asynccontextmanager
    async def image(self) -> AsyncIterator[None]:
        """During the block there is an image of the directory in it: see `image.take`.

        StoreError when there is one already, or none can be made.
        """
        if self._folder is None or self._has_image:
            raise StoreError("there can be one of a directory at a time", retryable=False)
        loop = asyncio.get_running_loop()
        self._has_image = True
        try:
            await loop.run_in_executor(self._upkeep, image.take, self._engine, self._folder)
            yield
        finally:
            # In the same thread: after `take`, also when that is still busy.
            await loop.run_in_executor(self._upkeep, image.drop, self._folder)
            self._has_image = False

    def disk_free_bytes(self) -> int:
        """What is free on the disk that the store is on."""
        return self._engine.disk_free_bytes()

    async def check(self) -> dict[str, str]:
        """What is wrong with the `disk` and the `database`; an empty text where nothing is."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                return await loop.run_in_executor(self._readers, _check, self._engine)
        except TimeoutError:
            return {"disk": "", "database": f"no answer within {CHECK_TIMEOUT_S:g} s"}

    def view(self, tenant: str, datasets: Collection[str] = ()) -> View:
        """What `tenant` has in these datasets, or in all when none are named."""
        return View(self._engine, self._readers, tenant, tuple(datasets))

    async def close(self) -> None:
        """All that was taken is written, and the directory is free for another process, twice too."""
        for group in self._groups.values():
            await group.close()
        if self._caring is not None:
            self._caring.cancel()
            await asyncio.gather(self._caring, return_exceptions=True)
            self._caring = None
        await asyncio.to_thread(self._upkeep.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        self._writer.shutdown()
        self._engine.close()

    async def _care_regularly(self) -> None:
        """Runs until it is cancelled; what fails is logged and tried again an interval later."""
        clock = SweepClock()
        while True:
            try:
                if self._retention != KEEP_ALL:
                    removed = await self._maintain(_expire, self._retention, clock)
                    if removed.total():
                        _log.info("expired", **{signal.value: count for signal, count in removed.items()})
                await self._maintain(upkeep.complete_projections, time.time())
            except StoreError as error:
                _log.warning("upkeep_failed", error=str(error))
            await asyncio.sleep(UPKEEP_INTERVAL_S)

    async def _maintain(self, run: Callable[..., Found], *arguments: object) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._upkeep, run, self._engine, *arguments)


class View:
    """The data of one tenant, which is all that can be asked about."""

    def __init__(
        self,
        engine: Engine,
        readers: Executor,
        tenant: str,
        datasets: tuple[str, ...],
        where: Where = EVERY,
    ) -> None:
        self._engine = engine
        self._readers = readers
        self._tenant = tenant
        self._datasets = datasets
        self._where = where

    def narrowed(self, where: Where) -> View:
        """The same, where statements that list items take only those that meet `where`."""
        return View(self._engine, self._readers, self._tenant, self._datasets, where)

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
        bound = {
            **parameters,
            **self._where.parameters,
            "tenant": self._tenant,
            "datasets": self._datasets,
        }
        sql = fill(name, bound).replace("$attributes", self._where.sql)
        return await loop.run_in_executor(self._readers, ask, sql, bound)


@runtime_checkable
class StoreOwner(Protocol):
    """An extension with an open store."""

    store: Store


def _engine(where: Path | str) -> Engine:
    if isinstance(where, Path):
        return Engine(where)
    # An extra: most gateways have their database in the process.
    from tollspan.gateway.storage.server_engine import ServerEngine  # noqa: PLC0415 - see above

    return ServerEngine(where)


def _check(engine: Engine) -> dict[str, str]:
    free = engine.disk_free_bytes()
    disk = "" if free >= DISK_RESERVE_BYTES else f"{free} bytes are free, and {DISK_RESERVE_BYTES} are kept"
    try:
        engine.rows("SELECT 1", {})
    except StoreError as error:
        return {"disk": disk, "database": str(error)}
    return {"disk": disk, "database": ""}


def _expire(engine: Engine, retention: Retention, clock: SweepClock) -> Removed:
    return upkeep.expire(engine, retention, clock.now_s(engine))


def _migrate(engine: Engine) -> None:
    """Run what was not run yet. A migration that was cut off is run again, so each must bear that."""
    engine.execute(statement("create_schema_migrations"))
    applied = {row["name"] for row in engine.rows(statement("load_schema_migrations"), {})}
    if unknown := applied - migrations().keys():
        problem = f"the telemetry was written by a newer Tollspan ({max(unknown)})"
        raise StoreError(f"{problem}; run that version, or restore a backup of this one", retryable=False)
    for name, sql in migrations().items():
        if name not in applied:
            engine.execute(sql)
            engine.rows(statement("record_schema_migration"), {"name": name})
    for part in integrity.find_set_aside(engine):
        _log.error("damaged_part_set_aside", table=part.table, part=part.name)
