"""A store for the length of a block: a process may have only one, so it must be closed whatever happens."""

import contextlib

from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.statements import migrations
from tollspan.gateway.storage.store import Store


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
