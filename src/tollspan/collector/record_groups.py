"""The records of one request sorted into several requests."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

from tollspan.otlp._message import Faults, Message
from tollspan.otlp.protobuf import field_bytes

ENTRIES, CHILDREN = 1 << 3 | 2, 2 << 3 | 2

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class Group:
    """An export request, and how many spans, log records or metrics are in it."""

    wire: bytes = b""
    records: int = 0


def group_records(wire: bytes, key: Callable[[Message], K]) -> tuple[dict[K, Group], int]:
    """The request's records by what `key` says of them, envelopes repeated; and how many could not be read.

    A record's parent is its scope entry, whose parent is its resource entry. WireError when
    the framing down to the records is broken.
    """
    groups: dict[K, Group] = {}
    faults = Faults()

    def resource_entry(entry: Message) -> bool:
        around = _without_children(entry)
        entry.each(CHILDREN, lambda scope_entry: _sort(scope_entry, around, key, groups, faults))
        return True

    Message(wire).each(ENTRIES, resource_entry)
    return groups, faults.count


def _sort(
    entry: Message, around: bytes, key: Callable[[Message], K], groups: dict[K, Group], faults: Faults
) -> bool:
    """The records of one scope entry have gone to their groups."""
    fields: dict[K, list[bytes]] = {}

    def record(message: Message) -> bool:
        fields.setdefault(key(message), []).append(field_bytes(2, message.wire))
        return True

    entry.each(CHILDREN, record, faults)
    inside = _without_children(entry)
    for name, records in fields.items():
        group = groups.setdefault(name, Group())
        group.wire += field_bytes(1, around + field_bytes(2, inside + b"".join(records)))
        group.records += len(records)
    return True


def _without_children(entry: Message) -> bytes:
    alone = Message(entry.wire)
    alone.replace(CHILDREN, b"")
    return alone.wire
