"""Columns of decoded tables → columns of a block, for all tables alike.

`owners` are the columns of a decoded table and the rows to take, for each chunk. A column of the
block is called as the decoded one, with or without a prefix (`events.name`), unless it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tollspan.gateway.storage import _native
from tollspan.gateway.storage._native import Attributes, Block, Rows

Owners = Sequence[tuple[Mapping[str, Any], Rows]]

# The columns that the attributes of an item, a resource or a scope are spread over.
ATTRIBUTE_MAPS = {
    "attributes_string": _native.STRINGS,
    "attributes_int": _native.INTS,
    "attributes_double": _native.DOUBLES,
    "attributes_bool": _native.BOOLS,
    "attributes_other": _native.OTHERS,
}
# The attributes of what is nested in an item are spread over less.
NESTED_ATTRIBUTE_MAPS = {
    "attributes_string": _native.STRINGS,
    "attributes_other": _native.NOT_STRINGS,
}


def put_numbers(block: Block, owners: Owners, name: str, type_name: str, source: str = "") -> None:
    """A Fixed column, or the one called `source`."""
    columns = [(own[source or _own_name(name)], rows) for own, rows in owners]
    width = columns[0][0].width
    block.numbers(name, type_name, width, [(column.data, None, rows) for column, rows in columns])


def put_texts(block: Block, owners: Owners, name: str) -> None:
    """A Text column."""
    block.texts(name, [(own[_own_name(name)], rows) for own, rows in owners])


def put_labels(block: Block, owners: Owners, name: str) -> None:
    """A Dictionary column."""
    columns = [(own[_own_name(name)], rows) for own, rows in owners]
    block.labels(name, [(column.values, column.indices, rows) for column, rows in columns])


def put_attributes(
    block: Block, attributes: list[Attributes], maps: Mapping[str, int], prefix: str = ""
) -> None:
    """The attributes, spread over the columns of `maps`."""
    for name, mask in maps.items():
        block.attributes(prefix + name, mask, attributes)


def put_constant(block: Block, name: str, type_name: str, cell: bytes) -> None:
    """A column with the same `cell` in every row."""
    block.numbers(name, type_name, len(cell), [(cell * block.rows, None, Rows.every(block.rows))])


def _own_name(name: str) -> str:
    return name.rpartition(".")[2]
