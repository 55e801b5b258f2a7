"""What items have around them on the wire: resources and instrumentation scopes, stored once each.

Items refer to them by id. It is a digest of their content, so to write one again changes nothing.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tollspan.gateway.storage._native import Attributes, Block, Rows
from tollspan.gateway.storage.block_columns import (
    ATTRIBUTE_MAPS,
    put_attributes,
    put_constant,
    put_labels,
    put_numbers,
    put_texts,
)
from tollspan.gateway.storage.chunks import Chunk
from tollspan.gateway.storage.engine import Engine
from tollspan.otlp._columns import Dictionary, Table, Text

KNOWN_MAX = 100_000
DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class EnvelopedChunk:
    """A chunk, and the ids of its resources and instrumentation scopes by row number."""

    chunk: Chunk
    resource_ids: array[int]
    scope_ids: array[int]


class Envelopes:
    """The resources and instrumentation scopes of all signals."""

    def __init__(self, engine: Engine) -> None:
        self._resources = EnvelopeTable(engine, "resources", "resource")
        self._scopes = EnvelopeTable(engine, "instrumentation_scopes", "scope")

    def write(self, chunks: Sequence[Chunk], received_s: int) -> list[EnvelopedChunk]:
        """The chunks with the ids of what surrounds their items, which is in that day's partitions."""
        resource_ids = self._resources.write(chunks, received_s)
        scope_ids = self._scopes.write(chunks, received_s)
        return list(map(EnvelopedChunk, chunks, resource_ids, scope_ids))


class EnvelopeTable:
    """Writes the resources, or the instrumentation scopes, that are not in the database yet."""

    def __init__(self, engine: Engine, name: str, source: str) -> None:
        """Fill the table `name` from the decoded tables `<source>s` and `<source>_attributes`."""
        self._engine = engine
        self._name = name
        self._source = source
        self._known: set[tuple[bytes, int]] = set()
        self._day = 0

    def write(self, chunks: Sequence[Chunk], received_s: int) -> list[array[int]]:
        """All are in that day's partition; the ids of each chunk's, by row number."""
        if self._day != received_s // DAY_S or len(self._known) > KNOWN_MAX:
            self._known.clear()
            self._day = received_s // DAY_S
        ids = [self._ids(chunk) for chunk in chunks]
        added: set[tuple[bytes, int]] = set()
        rows = [self._unknown(chunk, numbers, added) for chunk, numbers in zip(chunks, ids, strict=True)]
        if added:
            self._engine.insert(self._name, self._block(chunks, ids, rows, received_s))
            self._known |= added
        return ids

    def _ids(self, chunk: Chunk) -> array[int]:
        table = self._table(chunk)
        columns = [*_texts(table).values(), table.columns["dropped_attributes"]]
        heads = zip(*columns, strict=True)
        contents = self._attributes(chunk, Rows.every(table.rows)).contents()
        digests = (
            hashlib.blake2b(repr(head).encode() + content, digest_size=8).digest()
            for head, content in zip(heads, contents, strict=True)
        )
        return array("Q", b"".join(digests))

    def _unknown(self, chunk: Chunk, ids: array[int], added: set[tuple[bytes, int]]) -> Rows:
        """The rows that nobody wrote before; they are noted in `added`."""
        numbers = []
        for number, row_id in enumerate(ids):
            key = (chunk.tenant, row_id)
            if key not in self._known and key not in added:
                added.add(key)
                numbers.append(number)
        return Rows.chosen(numbers)

    def _block(
        self, chunks: Sequence[Chunk], ids: Sequence[array[int]], rows: Sequence[Rows], received_s: int
    ) -> Block:
        tables = [self._table(chunk) for chunk in chunks]
        owners = [(table.columns, own) for table, own in zip(tables, rows, strict=True)]
        block = Block(sum(own.count for own in rows))
        block.labels("tenant", [([chunk.tenant], None, own) for chunk, own in zip(chunks, rows, strict=True)])
        put_constant(block, "received", "DateTime('UTC')", struct.pack("<I", received_s))
        block.numbers("id", "UInt64", 8, [(own, None, chosen) for own, chosen in zip(ids, rows, strict=True)])
        for name, column in _texts(tables[0]).items():
            put = put_texts if isinstance(column, Text) else put_labels
            put(block, owners, name)
        attributes = [self._attributes(chunk, own) for chunk, own in zip(chunks, rows, strict=True)]
        put_attributes(block, attributes, ATTRIBUTE_MAPS)
        put_numbers(block, owners, "dropped_attributes", "UInt32")
        return block

    def _table(self, chunk: Chunk) -> Table:
        return chunk.tables[f"{self._source}s"]

    def _attributes(self, chunk: Chunk, rows: Rows) -> Attributes:
        attributes = chunk.tables[f"{self._source}_attributes"]
        return Attributes(attributes, self._table(chunk).columns["attributes"], rows)


def service_names(tables: Mapping[str, Table]) -> list[bytes]:
    """The service.name of each row of `resources`; empty where there is none."""
    table = tables["resources"]
    every = Rows.every(table.rows)
    attributes = Attributes(tables["resource_attributes"], table.columns["attributes"], every)
    return attributes.texts(b"service.name")


def _texts(table: Table) -> dict[str, Text | Dictionary]:
    return {name: column for name, column in table.columns.items() if isinstance(column, Text | Dictionary)}
