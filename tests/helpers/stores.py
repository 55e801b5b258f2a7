"""A store for the length of a block: a process may have only one, so it must be closed whatever happens."""

import contextlib

from tollspan.errors import StoreError
from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.envelopes import Envelopes
from tollspan.gateway.storage.item_writer import LAYOUTS, ItemWriter
from tollspan.gateway.storage.statements import migrations
from tollspan.gateway.storage.store import Store
from tollspan.otlp.signals import Signal

ITEM_TABLES = {layout.table for layout in LAYOUTS.values()}


class FailingEngine(Engine):
    """Loses inserts of items, or their outcome, as it is told."""

    outcome = "written"

    def insert(self, table, block):
        if table in ITEM_TABLES and self.outcome == "lost":
            raise StoreError("the disk is full")
        super().insert(table, block)
        if table in ITEM_TABLES and self.outcome == "unknown":
            raise StoreError("the disk failed after the rename")


@contextlib.asynccontextmanager
async def open_store(path):
    store = Store(path)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def open_engine(path, kind=Engine, upto="9999"):
    """An engine with the schema of this version, or of an earlier one: of the migrations up to that name."""
    engine = kind(path)
    try:
        for name, sql in migrations().items():
            if name <= upto:
                engine.execute(sql)
        yield engine
    finally:
        engine.close()


def new_writer(engine, signal=Signal.TRACES, **options):
    """A writer as it is after a start of the process."""
    return ItemWriter(engine, Envelopes(engine), signal, **options)
