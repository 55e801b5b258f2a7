"""The shop's database: products, orders, and the queue of orders to ship."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
)

metadata = MetaData()

products = Table(
    "products",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("price", Float, nullable=False),
    Column("stock", Integer, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer", String, nullable=False),
    Column("product_id", Integer, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("total", Float, nullable=False),
    Column("state", String, nullable=False),  # paid → shipped
    Column("traceparent", String, nullable=False),  # the order's trace, for the worker to continue
)

_NAMES = ("kite", "spade", "stapler", "novel", "bowler hat", "globe", "hammock", "lamp", "notebook", "puzzle")


def open_database(path: Path) -> Engine:
    """The engine of the shop's database; several processes may hold one each."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def _use_wal(connection: object, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined] # a sqlite3.Connection

    return engine


def fill(engine: Engine) -> None:
    """Create the tables and put products on the shelves."""
    metadata.create_all(engine)
    shelf = [
        {"id": number, "name": name, "price": 4.5 * number, "stock": 1_000_000}
        for number, name in enumerate(_NAMES, start=1)
    ]
    with engine.begin() as connection:
        connection.execute(insert(products), shelf)
