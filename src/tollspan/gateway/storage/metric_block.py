"""Decoded data points of all kinds → a block for the table `metric_points`.

The kinds share one table, so that a request is one insert. What a kind does not have is zero or
empty in its rows, which costs next to nothing on disk.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from tollspan.gateway.storage._native import Attributes, Block, Rows
from tollspan.gateway.storage.block_columns import (
    NESTED_ATTRIBUTE_MAPS,
    Owners,
    put_attributes,
    put_labels,
    put_numbers,
)
from tollspan.gateway.storage.envelopes import EnvelopedChunk
from tollspan.gateway.storage.item_columns import Items, begin, items_of, put_item_attributes, put_origins
from tollspan.otlp._columns import Array, Table

# Columns of some kinds only, as (decoded column, type, width of a cell).
_OPTIONAL_NUMBERS = (
    ("type", "UInt8", 1),
    ("number", "UInt64", 8),
    ("count", "UInt64", 8),
    ("has_sum", "UInt8", 1),
    ("sum", "Float64", 8),
    ("has_min", "UInt8", 1),
    ("min", "Float64", 8),
    ("has_max", "UInt8", 1),
    ("max", "Float64", 8),
    ("scale", "Int32", 4),
    ("zero_count", "UInt64", 8),
    ("zero_threshold", "Float64", 8),
    ("positive_offset", "Int32", 4),
    ("negative_offset", "Int32", 4),
)


def build(parts: Sequence[EnvelopedChunk], digests: Sequence[bytes], received_s: int) -> Block:
    """The block of all data points of the chunks, marked with the digests of their requests."""
    items = items_of(parts)
    block = begin(items, digests, received_s)
    _put_metrics(block, items)
    _put_values(block, items)
    _put_arrays(block, items)
    put_item_attributes(block, items)
    _put_exemplars(block, items)
    return block


def _put_metrics(block: Block, items: Sequence[Items]) -> None:
    """What a point has from its metric."""
    metrics: Owners = [
        (own.tables["metrics"].columns, own.rows.named_in(own.tables[own.table].columns["metric"]))
        for own in items
    ]
    put_origins(block, items, metrics)
    put_labels(block, metrics, "name")
    put_labels(block, metrics, "description")
    block.labels(
        "metric_unit",
        [(columns["unit"].values, columns["unit"].indices, rows) for columns, rows in metrics],
    )
    put_numbers(block, metrics, "type", "UInt8")
    put_numbers(block, metrics, "temporality", "Int32")
    put_numbers(block, metrics, "monotonic", "UInt8")
    block.labels("metadata", [_metadata(own) for own in items])


def _metadata(items: Items) -> tuple[list[bytes], Array | None, Rows]:
    """Each metric's metadata as a label, and which of them each point has."""
    metrics, owned = items.tables["metrics"], items.tables["metric_metadata"]
    if not owned.rows:
        return [b""], None, items.rows
    attributes = Attributes(owned, metrics.columns["metadata"], Rows.every(metrics.rows))
    return attributes.key_value_lists(), items.owner[0]["metric"].data, items.rows


def _put_values(block: Block, items: Sequence[Items]) -> None:
    owners = [own.owner for own in items]
    put_numbers(block, owners, "time", "DateTime64(9, 'UTC')", source="time_unix_nano")
    put_numbers(block, owners, "start_unix_nano", "UInt64")
    put_numbers(block, owners, "flags", "UInt32")
    for source, type_name, width in _OPTIONAL_NUMBERS:
        cells = [_cells(own.tables[own.table], source, width) for own in items]
        name = "number_type" if source == "type" else source
        block.numbers(
            name, type_name, width, [(cell, None, own.rows) for cell, own in zip(cells, items, strict=True)]
        )


def _cells(table: Table, name: str, width: int) -> Array | array[int] | bytes:
    """The column; zeros where the table is of a kind without it."""
    column = table.columns.get(name)
    return bytes(width * table.rows) if column is None else column.data


def _put_arrays(block: Block, items: Sequence[Items]) -> None:
    counts = _children(items, "bucket_counts", "histogram_point")
    put_numbers(block, counts, "bucket_counts", "UInt64", source="count")
    bounds = _children(items, "explicit_bounds", "histogram_point")
    put_numbers(block, bounds, "explicit_bounds", "Float64", source="bound")
    for name in ("positive_bucket_counts", "negative_bucket_counts"):
        counts = _children(items, name, "exponential_histogram_point")
        put_numbers(block, counts, name, "UInt64", source="count")
    quantiles = _children(items, "quantile_values", "summary_point")
    put_numbers(block, quantiles, "quantiles.quantile", "Float64")
    put_numbers(block, quantiles, "quantiles.value", "Float64")


def _put_exemplars(block: Block, items: Sequence[Items]) -> None:
    found = _child_items(items, "exemplars", "number_point")
    exemplars = [own.owner for own in found]
    put_numbers(block, exemplars, "exemplars.time_unix_nano", "UInt64")
    put_numbers(block, exemplars, "exemplars.type", "UInt8")
    put_numbers(block, exemplars, "exemplars.number", "UInt64")
    put_numbers(block, exemplars, "exemplars.trace_id", "FixedString(16)")
    put_numbers(block, exemplars, "exemplars.span_id", "FixedString(8)")
    attributes = [own.attributes() for own in found]
    put_attributes(block, attributes, NESTED_ATTRIBUTE_MAPS, "exemplars.")


def _children(items: Sequence[Items], name: str, kind: str) -> Owners:
    return [own.owner for own in _child_items(items, name, kind)]


def _child_items(items: Sequence[Items], name: str, kind: str) -> list[Items]:
    """What the points own through the column `name`.

    Points without it own none of what those of another `kind` have, which gives them a table.
    """
    children = []
    for own in items:
        columns, rows = own.owner
        owns = name in columns
        table = f"{own.table.removesuffix('s') if owns else kind}_{name}"
        children.append(
            Items(own.part, table, rows.children(columns[name]) if owns else Rows.none(rows.count))
        )
    return children
