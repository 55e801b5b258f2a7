"""The columns that every stored item has, whatever its signal: whose it is, when it came, what sent it."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tollspan.gateway.storage import _native
from tollspan.gateway.storage._native import Attributes, Block, Rows
from tollspan.gateway.storage.block_columns import ATTRIBUTE_MAPS, Owners, put_attributes, put_constant
from tollspan.gateway.storage.envelopes import EnvelopedChunk, service_names
from tollspan.otlp._columns import Table
from tollspan.otlp.batch import DIGEST_BYTES

# Attributes with a column of their own, each under all names it goes by; the first is moved
# out of the attribute maps when it comes alone (see Attributes.promote).
UNITS = {
    "unit": ("tollspan.unit", "unomiq.unit", "unomiq_unit"),
    "parent_unit": ("tollspan.parent_unit", "unomiq.parent_unit", "unomiq_parent_unit"),
}


@dataclass(frozen=True, slots=True)
class Items:
    """The `rows` to store of one decoded `table` of a chunk."""

    part: EnvelopedChunk
    table: str
    rows: Rows

    @property
    def tables(self) -> Mapping[str, Table]:
        """All decoded tables of the chunk."""
        return self.part.chunk.tables

    @property
    def owner(self) -> tuple[Mapping[str, Any], Rows]:
        """The columns of the items' table, and the rows of it."""
        return self.tables[self.table].columns, self.rows

    def attributes(self) -> Attributes:
        """The items' own attributes."""
        table = f"{self.table.removesuffix('s')}_attributes"
        return Attributes(self.tables[table], self.tables[self.table].columns["attributes"], self.rows)


def items_of(parts: Sequence[EnvelopedChunk]) -> list[Items]:
    """What is to be stored of the chunks, table by table."""
    return [
        Items(part, table, rows) for part in parts for table, rows in part.chunk.rows.items() if rows.count
    ]


def begin(items: Sequence[Items], digests: Sequence[bytes], received_s: int) -> Block:
    """A block of the items that says whose they are and which requests they came in."""
    block = Block(sum(own.rows.count for own in items))
    block.labels("tenant", [([own.part.chunk.tenant], None, own.rows) for own in items])
    block.labels("dataset", [([own.part.chunk.dataset], None, own.rows) for own in items])
    put_constant(block, "received", "DateTime('UTC')", struct.pack("<I", received_s))
    cells = b"".join(digests).ljust(block.rows * DIGEST_BYTES, b"\0")
    every = Rows.every(block.rows)
    block.numbers("request_digest", f"FixedString({DIGEST_BYTES})", DIGEST_BYTES, [(cells, None, every)])
    return block


def put_origins(block: Block, items: Sequence[Items], owners: Owners) -> None:
    """Resource, instrumentation scope and service; `owners` have the row numbers of the first two."""
    resource = [columns["resource"].data for columns, _ in owners]
    scope = [columns["scope"].data for columns, _ in owners]
    rows = [own for _, own in owners]
    resource_ids = [own.part.resource_ids for own in items]
    scope_ids = [own.part.scope_ids for own in items]
    services = [service_names(own.tables) for own in items]
    block.numbers("resource_id", "UInt64", 8, list(zip(resource_ids, resource, rows, strict=True)))
    block.numbers("instrumentation_scope_id", "UInt64", 8, list(zip(scope_ids, scope, rows, strict=True)))
    block.labels("service", list(zip(services, resource, rows, strict=True)))


def put_item_attributes(
    block: Block,
    items: Sequence[Items],
    texts: Mapping[str, tuple[str, ...]] = UNITS,
    ints: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """The items' attributes; those that `texts` and `ints` name have columns of their own."""
    promoted = [(_native.STRINGS, keys) for keys in texts.values()]
    promoted += [(_native.INTS, keys) for keys in (ints or {}).values()]
    columns = [(mask, tuple(key.encode() for key in keys)) for mask, keys in promoted]
    attributes = [own.attributes() for own in items]
    for part in attributes:
        part.promote(columns)
    for number, name in enumerate(texts):
        block.promoted_texts(name, number, attributes)
    for number, name in enumerate(ints or {}, len(texts)):
        block.promoted_ints(name, number, attributes)
    put_attributes(block, attributes, ATTRIBUTE_MAPS)
