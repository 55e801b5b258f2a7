"""A store for the length of a block: a process may have only one, so it must be closed whatever happens."""

import contextlib

from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.envelopes import Envelopes
from tollspan.gateway.storage.item_writer import ItemWriter
from tollspan.gateway.storage.statements import migrations
from tollspan.gateway.storage.store import Store
from tollspan.otlp.signals import Signal


@contextlib.asynccontextmanager
async def open_store(path):
    store = Store(path)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def open_engine(path, kind=Engine):
    """An engine with the schema of this version."""
    engine = kind(path)
    try:
        for sql in migrations().values():
            engine.execute(sql)
        yield engine
    finally:
        engine.close()


def new_writer(engine, signal=Signal.TRACES, **options):
    """A writer as it is after a start of the process."""
    return ItemWriter(engine, Envelopes(engine), signal, **options)
