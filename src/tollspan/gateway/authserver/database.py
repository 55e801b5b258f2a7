"""The identity database: one SQLite file that several processes may have open, or PostgreSQL.

Both are used in the same way: a read is one statement that holds nothing, a write is a
transaction that has the one write lock from its beginning. So whatever a write reads first
is still true when it writes, and two writes never meet half-way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from tollspan.errors import ConfigError, StoreError
from tollspan.gateway.authserver.schema import changes

FILE_NAME = "identity.db"
BUSY_TIMEOUT_S = 10

# An arbitrary number by which all gateways on one PostgreSQL know the write lock.
_WRITE_LOCK = 0x746F6C6C

_BEGIN = {
    "sqlite": ("BEGIN IMMEDIATE",),
    "postgresql": ("BEGIN", f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})"),
}


class Database:
    """The identity database, open and at the current schema. Every method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for statements that change nothing; each sees what was committed before it."""
        with _as_store_error(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, announced: bool = True) -> Iterator[Connection]:
        """A transaction that holds the write lock; unless `announced` is false it is a new change number."""
        with self._transaction() as connection:
            if announced:
                announce(connection)
            yield connection

    def change_number(self) -> int:
        """A number that grows with every announced write, whoever makes it."""
        with self.reading() as connection:
            return int(connection.execute(select(changes.c.number)).scalar_one())

    def migrate(self) -> None:
        """Bring the schema up to date; StoreError when a newer Tollspan wrote it."""
        config = Config()
        config.set_main_option("script_location", "tollspan.gateway.authserver:migrations")
        with self._transaction() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                problem = f"the identity database was written by a newer Tollspan: {error}"
                raise StoreError(problem, retryable=False) from error

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        # The engine is in autocommit, so that a transaction begins here and nowhere else.
        with _as_store_error(), self._engine.begin() as connection:
            for statement in _BEGIN[self._engine.dialect.name]:
                connection.exec_driver_sql(statement)
            yield connection


def announce(connection: Connection) -> None:
    """What this transaction wrote is a new change number."""
    connection.execute(update(changes).values(number=changes.c.number + 1))


def open_database(identity: Path | str) -> Database:
    """The database in the data folder `identity`, or at the URL `postgresql://…`; made when missing.

    A file is readable by its owner only. Raises StoreError, and ConfigError for another URL.
    """
    engine = _open_file(identity) if isinstance(identity, Path) else _open_server(identity)
    database = Database(engine)
    try:
        database.migrate()
    except StoreError as error:
        database.close()
        if not error.retryable:
            raise
        where = engine.url.set(drivername=engine.dialect.name, password=None)
        hint = (
            "check --identity, and whether that server runs"
            if where.drivername == "postgresql"
            else "restore a backup"
        )
        raise StoreError(f"{error} ({where}); {hint}", retryable=False) from None
    return database


def _open_file(data_dir: Path) -> Engine:
    path = data_dir / FILE_NAME
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}", retryable=False) from error
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": BUSY_TIMEOUT_S},
    )
    event.listen(engine, "connect", _prepare_file)
    return engine


def _open_server(url: str) -> Engine:
    hint = "write postgresql://user:password@host/database"
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # The error's own text would quote the password.
        raise ConfigError("identity", "is no database URL", hint) from None
    if address.drivername != "postgresql":
        raise ConfigError("identity", f"{address.drivername} is not supported", hint)
    return create_engine(
        address.set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": BUSY_TIMEOUT_S,
            "options": f"-c statement_timeout={BUSY_TIMEOUT_S * 1000}",
        },
    )


@contextmanager
def _as_store_error() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        # The full text would show the statement's parameters, and further lines a row's values.
        cause = str(getattr(error, "orig", None) or type(error).__name__).partition("\n")[0]
        raise StoreError(f"the identity database failed: {cause}") from None


def _prepare_file(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
