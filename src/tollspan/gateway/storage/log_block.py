"""Decoded log records → a block for the table `log_records`."""

from __future__ import annotations

from collections.abc import Sequence

from tollspan.gateway.storage._native import Block
from tollspan.gateway.storage.block_columns import Owners, put_labels, put_numbers, put_texts
from tollspan.gateway.storage.envelopes import EnvelopedChunk
from tollspan.gateway.storage.item_columns import begin, items_of, put_item_attributes, put_origins


def build(parts: Sequence[EnvelopedChunk], digests: Sequence[bytes], received_s: int) -> Block:
    """The block of all log records of the chunks, marked with the digests of their requests."""
    items = items_of(parts)
    owners = [own.owner for own in items]
    block = begin(items, digests, received_s)
    put_origins(block, items, owners)
    _put_fields(block, owners)
    put_item_attributes(block, items)
    return block


def _put_fields(block: Block, records: Owners) -> None:
    put_numbers(block, records, "time_unix_nano", "UInt64")
    put_numbers(block, records, "observed_time_unix_nano", "UInt64")
    put_numbers(block, records, "severity_number", "Int32")
    put_labels(block, records, "severity_text")
    put_numbers(block, records, "body_type", "UInt8")
    put_numbers(block, records, "body_number", "UInt64")
    put_texts(block, records, "body_text")
    put_labels(block, records, "event_name")
    put_numbers(block, records, "trace_id", "FixedString(16)")
    put_numbers(block, records, "span_id", "FixedString(8)")
    put_numbers(block, records, "flags", "UInt32")
    put_numbers(block, records, "dropped_attributes", "UInt32")
