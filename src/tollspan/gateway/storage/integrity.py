"""Parts of the database that a disk has damaged: found, told, and set aside. Blocking.

A part whose files are cut off, or whose list of checksums is damaged, is set aside by the engine
when it starts. One with damaged bytes is noticed by its checksums when they are read: the question
fails and nothing false is shown. Whoever sets that part aside gets answers again, without its items;
a request that was in it counts as new when it is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.item_writer import LAYOUTS
from tollspan.gateway.storage.statements import statement
from tollspan.gateway.storage.upkeep import ENVELOPE_TABLES

TABLES = (*(layout.table for layout in LAYOUTS.values()), *ENVELOPE_TABLES)


@dataclass(frozen=True, slots=True)
class DamagedPart:
    """A part of `table` that cannot be read, and how many rows it has when that is known."""

    table: str
    name: str
    items: int | None
    problem: str


def find_damaged(engine: Engine) -> list[DamagedPart]:
    """Every part that fails its checksums. All data is read."""
    damaged = []
    for table in TABLES:
        for row in engine.rows(statement("check_table"), {"table": table}):
            if not row["is_passed"]:
                part = {"table": table, "part": row["part_path"]}
                [counted] = engine.rows(statement("count_part"), part)
                damaged.append(DamagedPart(table, row["part_path"], counted["items"], row["message"]))
    return damaged


def find_set_aside(engine: Engine) -> list[DamagedPart]:
    """The parts that the engine set aside when it started."""
    rows = engine.rows(statement("find_broken_parts"), {})
    return [DamagedPart(row["table"], row["name"], None, "set aside at a start") for row in rows]


def set_aside(engine: Engine, damaged: Iterable[DamagedPart]) -> None:
    """The parts are out of their tables, in the folder `detached` beside them."""
    for part in damaged:
        engine.rows(statement("set_part_aside"), {"table": part.table, "part": part.name})
