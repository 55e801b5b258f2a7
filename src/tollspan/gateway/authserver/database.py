"""The identity database: one SQLite file that several processes may have open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from tollspan.errors import StoreError

FILE_NAME = "identity.db"
BUSY_TIMEOUT_S = 10.0


def open_database(data_dir: Path) -> Engine:
    """The identity database in `data_dir`, made when missing and brought to the current schema.

    The file is readable by its owner only. Raises StoreError.
    """
    path = data_dir / FILE_NAME
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}", retryable=False) from error
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # SQLite's own autocommit: a read holds no lock afterwards, and `writing` begins explicitly.
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": BUSY_TIMEOUT_S},
    )
    event.listen(engine, "connect", _prepare_connection)
    _migrate(engine)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for one statement that changes nothing. Raises StoreError."""
    with _as_store_error(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its beginning. Raises StoreError.

    Without the lock a transaction that reads before it writes could fail half-way when
    another process writes in between.
    """
    with _as_store_error(), engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def _as_store_error() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        # The full text would show the statement's parameters.
        cause = getattr(error, "orig", None) or type(error).__name__
        raise StoreError(f"the identity database failed: {cause}") from None


def _prepare_connection(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", "tollspan.gateway.authserver:migrations")
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                f"{FILE_NAME} was written by a newer Tollspan: {error}", retryable=False
            ) from error
