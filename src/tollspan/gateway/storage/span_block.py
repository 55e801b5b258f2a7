"""Decoded spans → a block for the table `spans`."""

from __future__ import annotations

from collections.abc import Sequence

from tollspan.gateway.storage._native import Attributes, Block
from tollspan.gateway.storage.block_columns import (
    NESTED_ATTRIBUTE_MAPS,
    Owners,
    put_attributes,
    put_labels,
    put_numbers,
    put_texts,
)
from tollspan.gateway.storage.calls import OpenCalls
from tollspan.gateway.storage.envelopes import EnvelopedChunk
from tollspan.gateway.storage.item_columns import (
    UNITS,
    Items,
    begin,
    items_of,
    put_item_attributes,
    put_origins,
)

PROMOTED_TEXTS = {
    **UNITS,
    "http_request_method": ("http.request.method", "http.method"),
    "http_route": ("http.route",),
    "db_system_name": ("db.system.name", "db.system"),
    "cost_currency": ("tollspan.cost.currency",),
}
PROMOTED_INTS = {
    "http_response_status_code": ("http.response.status_code", "http.status_code"),
    "cost_amount_nano": ("tollspan.cost.amount_nano",),
}
PROMOTED = PROMOTED_TEXTS | PROMOTED_INTS


def build(
    open_calls: OpenCalls, parts: Sequence[EnvelopedChunk], digests: Sequence[bytes], received_s: int
) -> Block:
    """The block of all spans of the chunks, marked with the digests of their requests.

    Calls that they complete are in it; halves of others wait in `open_calls`.
    """
    items = items_of(parts)
    owners = [own.owner for own in items]
    block = begin(items, digests, received_s)
    put_origins(block, items, owners)
    _put_fields(block, owners)
    put_item_attributes(block, items, PROMOTED_TEXTS, PROMOTED_INTS)
    _put_events(block, items)
    _put_links(block, items)
    open_calls.put(block, parts)
    return block


def _put_fields(block: Block, spans: Owners) -> None:
    put_numbers(block, spans, "trace_id", "FixedString(16)")
    put_numbers(block, spans, "span_id", "FixedString(8)")
    put_numbers(block, spans, "parent_span_id", "FixedString(8)")
    put_numbers(block, spans, "start", "DateTime64(9, 'UTC')", source="start_unix_nano")
    times = [(columns["end_unix_nano"], columns["start_unix_nano"], rows) for columns, rows in spans]
    block.differences("duration", "Int64", times)
    put_labels(block, spans, "name")
    put_numbers(block, spans, "kind", "Int32")
    put_numbers(block, spans, "status_code", "Int32")
    put_texts(block, spans, "status_message")
    put_texts(block, spans, "trace_state")
    put_numbers(block, spans, "flags", "UInt32")
    put_numbers(block, spans, "dropped_attributes", "UInt32")
    put_numbers(block, spans, "dropped_events", "UInt32")
    put_numbers(block, spans, "dropped_links", "UInt32")


def _put_events(block: Block, items: Sequence[Items]) -> None:
    events = _children(items, "events", "span_events")
    put_numbers(block, events, "events.time_unix_nano", "UInt64")
    put_labels(block, events, "events.name")
    _put_nested_attributes(block, items, events, "events.", "event_attributes")


def _put_links(block: Block, items: Sequence[Items]) -> None:
    links = _children(items, "links", "span_links")
    put_numbers(block, links, "links.trace_id", "FixedString(16)")
    put_numbers(block, links, "links.span_id", "FixedString(8)")
    put_texts(block, links, "links.trace_state")
    put_numbers(block, links, "links.flags", "UInt32")
    _put_nested_attributes(block, items, links, "links.", "link_attributes")


def _children(items: Sequence[Items], name: str, table: str) -> Owners:
    return [
        (own.tables[table].columns, own.rows.children(own.tables["spans"].columns[name])) for own in items
    ]


def _put_nested_attributes(
    block: Block, items: Sequence[Items], owners: Owners, prefix: str, table: str
) -> None:
    attributes = [
        Attributes(own.tables[table], columns["attributes"], rows)
        for own, (columns, rows) in zip(items, owners, strict=True)
    ]
    put_attributes(block, attributes, NESTED_ATTRIBUTE_MAPS, prefix)
    put_numbers(block, owners, f"{prefix}dropped_attributes", "UInt32")
