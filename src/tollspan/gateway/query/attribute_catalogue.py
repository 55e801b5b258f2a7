"""Which attributes spans have, what they take, and which values they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tollspan.gateway.query.time_range import TimeRange
from tollspan.gateway.storage.engine import Row
from tollspan.gateway.storage.span_block import PROMOTED, PROMOTED_INTS
from tollspan.gateway.storage.store import View

KEY_SETS_MAX = 10_000
"""So many sets of keys that come together are read, those of most spans first."""

SAMPLE = 50_000
HOUR_S = 3600
_TIME_END_S = (1 << 32) - HOUR_S
_BYTES = {"int": 8, "double": 8, "bool": 1}
_TYPES = ("string", *_BYTES, "other")
_COLUMN_OF_KEY = {key: column for column, keys in PROMOTED.items() for key in keys}


@dataclass(frozen=True, slots=True)
class AttributeKey:
    """A key with values of one type.

    The types are `string`, `int`, `double`, `bool`, and `other` for arrays, maps, bytes and nothing.
    `bytes` are those of the values, before compression.
    """

    key: str
    type: str
    spans: int
    bytes: int


@dataclass(frozen=True, slots=True)
class AttributeValues:
    """Some of a key's values as text, and in how many of `sampled_spans` each is; `distinct` were found."""

    spans: dict[str, int]
    distinct: int
    sampled_spans: int


async def find_attribute_keys(view: View, time_range: TimeRange) -> list[AttributeKey]:
    """The keys, those that take most bytes first. The range is widened to whole hours."""
    start_s = min(time_range.start_unix_nano // 10**9, _TIME_END_S) // HOUR_S * HOUR_S
    end_s = min(-(-time_range.end_unix_nano // 10**9), _TIME_END_S)
    sets = await view.rows("find_attribute_keys", limit=KEY_SETS_MAX, **{"from": start_s, "until": end_s})
    spans: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for row in sets:
        for key, value_type, count, size in _entries(row):
            spans[key, value_type] += count
            sizes[key, value_type] += size
    found = [AttributeKey(key, kind, count, sizes[key, kind]) for (key, kind), count in spans.items()]
    return sorted(found, key=lambda own: (-own.bytes, own.key, own.type))


async def find_attribute_values(
    view: View, key: str, time_range: TimeRange, *, limit: int = 100
) -> AttributeValues:
    """The `limit` most frequent values of `key` among SAMPLE spans that have it, of the newest time."""
    asked = {"key": key, "column": _COLUMN_OF_KEY.get(key, "")}
    spans: Counter[str] = Counter()
    for part in time_range.slices(lambda: spans.total() / SAMPLE):
        sample = SAMPLE - spans.total()
        for row in await view.rows("find_attribute_values", sample=sample, **asked, **part.parameters()):
            spans[row["value"]] += row["spans"]
    return AttributeValues(dict(spans.most_common(limit)), len(spans), spans.total())


def _entries(row: Row) -> Iterator[tuple[str, str, int, int]]:
    """What the spans of a set of keys have: key, type, spans, bytes."""
    keys = {key for value_type in _TYPES for key in row[f"{value_type}_keys"]}
    for value_type in _TYPES:
        own_keys = row[f"{value_type}_keys"]
        each = row["spans"] * _BYTES.get(value_type, 0)
        for key, size in zip(own_keys, row.get(f"{value_type}_bytes", [each] * len(own_keys)), strict=True):
            yield key, value_type, row["spans"], size
    for column, names in PROMOTED.items():
        count = row[f"{column}_spans"]
        # A column is its first key's where none of its keys is in the maps (see Attributes.promote).
        if count and keys.isdisjoint(names):
            is_int = column in PROMOTED_INTS
            yield names[0], "int" if is_int else "string", count, row.get(f"{column}_bytes", count * 8)
