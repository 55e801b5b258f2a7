"""Exponential histograms as Prometheus' native ones (Prometheus `prompb/types.proto`, Histogram)."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tollspan.otlp.protobuf import field_bytes, field_varint, varint

SCHEMA_MIN, SCHEMA_MAX = -4, 8
"""The scales that Prometheus knows. Finer buckets are merged; coarser ones have no place."""

ZERO_THRESHOLD = 1e-128
"""What Prometheus takes for half the width of the zero bucket when nothing is said."""


def build_histogram(tables: Mapping[str, Any], row: int, total_sum: float) -> bytes | None:
    """The `Histogram` for that row of `exponential_histogram_points`, without its time.

    None when the scale is below what Prometheus knows.
    """
    columns = tables["exponential_histogram_points"].columns
    scale: int = columns["scale"][row]
    if scale < SCHEMA_MIN:
        return None
    shift = max(0, scale - SCHEMA_MAX)
    parts = [
        field_varint(1, columns["count"][row]),
        _double(3, total_sum),
        field_varint(4, _zigzag(scale - shift)),
        _double(5, columns["zero_threshold"][row] or ZERO_THRESHOLD),
        field_varint(6, columns["zero_count"][row]),
    ]
    for sign, spans_field in (("negative", 8), ("positive", 11)):
        counts = tables[f"exponential_histogram_point_{sign}_bucket_counts"].columns["count"]
        rows, offset = columns[f"{sign}_bucket_counts"][row], columns[f"{sign}_offset"][row]
        buckets = merge_buckets(offset, (counts[each] for each in rows), shift)
        parts += _build_buckets(buckets, spans_field)
    return b"".join(parts)


def merge_buckets(offset: int, counts: Iterable[int], shift: int) -> dict[int, int]:
    """The buckets that are not empty, by Prometheus' index: its bucket i ends where OTLP's i begins."""
    merged: Counter[int] = Counter()
    for index, count in enumerate(counts, offset):
        if count:
            merged[(index >> shift) + 1] += count
    return dict(sorted(merged.items()))


def _build_buckets(buckets: Mapping[int, int], spans_field: int) -> list[bytes]:
    """Spans of neighbouring buckets, each with its distance to the one before, then deltas of counts."""
    spans: list[list[int]] = []
    end = 0
    for index in buckets:
        if spans and index == end:
            spans[-1][1] += 1
        else:
            spans.append([index - end, 1])
        end = index + 1
    before = [0, *buckets.values()]
    deltas = b"".join(varint(_zigzag(b - a)) for a, b in zip(before, buckets.values(), strict=False))
    listed = [
        field_bytes(spans_field, field_varint(1, _zigzag(distance)) + field_varint(2, length))
        for distance, length in spans
    ]
    return [*listed, field_bytes(spans_field + 1, deltas)] if spans else []


def _zigzag(number: int) -> int:
    return (number << 1) ^ (number >> 63)


def _double(field: int, number: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", number)
