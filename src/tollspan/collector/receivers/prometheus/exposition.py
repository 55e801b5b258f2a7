"""A target's exposition (Prometheus text format 0.0.4) as an OTLP metrics request."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tollspan.otlp._message import build_attribute
from tollspan.otlp.protobuf import field_bytes, field_varint

_GAUGE, _SUM, _HISTOGRAM, _SUMMARY = 5, 7, 9, 11
_CUMULATIVE = field_varint(2, 2)
_MONOTONIC = field_varint(3, 1)

Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scraped:
    """What one scrape brought: metrics as the bytes of `Metric` messages, and how many points they hold."""

    metrics: list[bytes]
    points: int
    target_info: Attributes


def read_exposition(
    text: str, labels: Attributes, time_s: float, *, honor_timestamps: bool = True, honor_labels: bool = False
) -> Scraped:
    """The metrics in `text`, each point with `labels` too. ValueError when it is no exposition.

    Of a label that both sides have the target's is renamed `exported_…`, unless `honor_labels`.
    """
    reading = _Reading(labels, time_s, honor_timestamps, honor_labels)
    metrics: list[bytes] = []
    target_info: Attributes = {}
    for family in text_string_to_metric_families(text):
        if family.samples and family.samples[0].name == "target_info":
            target_info = family.samples[0].labels
        else:
            metrics += reading.metrics(family)
    return Scraped(metrics, reading.points, target_info)


def build_gauge(name: str, value: float, labels: Attributes, time_s: float) -> bytes:
    """One gauge with one point, as a `Metric` message."""
    point = _time(3, time_s) + _double(4, value) + _attributes(7, labels)
    return _metric(name, "", _GAUGE, field_bytes(1, point))


def build_request(metrics: Iterable[bytes], resource: Attributes) -> bytes:
    """The metrics of one resource as an export request."""
    scope_metrics = field_bytes(1, field_bytes(1, b"tollspan/prometheus")) + b"".join(
        field_bytes(2, metric) for metric in metrics
    )
    entry = field_bytes(1, _attributes(1, resource)) + field_bytes(2, scope_metrics)
    return field_bytes(1, entry)


class _Reading:
    def __init__(self, labels: Attributes, time_s: float, honor_timestamps: bool, honor_labels: bool) -> None:
        self._labels = labels
        self._time_s = time_s
        self._honor_timestamps = honor_timestamps
        self._honor_labels = honor_labels
        self.points = 0

    def metrics(self, family: Metric) -> Iterator[bytes]:
        """The family as `Metric` messages; a counter's name keeps its `_total`."""
        if family.type in {"histogram", "summary"}:
            yield self._distribution(family)
            return
        points = self._points(partial(self._number, sample) for sample in family.samples)
        name = family.samples[0].name if family.samples else family.name
        if points and family.type == "counter":
            yield _metric(name, family.documentation, _SUM, points + _CUMULATIVE + _MONOTONIC)
        elif points:
            yield _metric(name, family.documentation, _GAUGE, points)

    def _points(self, builds: Iterable[Callable[[], bytes]]) -> bytes:
        """The data points, without those whose numbers OTLP has no place for."""
        found = []
        for build in builds:
            with contextlib.suppress(ValueError, OverflowError, struct.error):
                found.append(field_bytes(1, build()))
        self.points += len(found)
        return b"".join(found)

    def _number(self, sample: Any) -> bytes:
        return self._time(3, sample) + _double(4, sample.value) + _attributes(7, self._merge(sample.labels))

    def _distribution(self, family: Metric) -> bytes:
        """A histogram or summary: its samples by the labels that they have in common."""
        cut = "le" if family.type == "histogram" else "quantile"
        groups: dict[tuple[tuple[str, str], ...], list[Any]] = {}
        for sample in family.samples:
            common = tuple(sorted((key, text) for key, text in sample.labels.items() if key != cut))
            groups.setdefault(common, []).append(sample)
        build, field, suffix = (
            (self._histogram, _HISTOGRAM, _CUMULATIVE) if cut == "le" else (self._summary, _SUMMARY, b"")
        )
        points = self._points(
            partial(build, family.name, dict(common), samples) for common, samples in groups.items()
        )
        return _metric(family.name, family.documentation, field, points + suffix)

    def _histogram(self, name: str, labels: Attributes, samples: list[Any]) -> bytes:
        values = {sample.name: sample.value for sample in samples if "le" not in sample.labels}
        buckets = sorted((float(s.labels["le"]), s.value) for s in samples if "le" in s.labels)
        bounds = [bound for bound, _ in buckets if math.isfinite(bound)]
        totals = [total for _, total in buckets] + ([] if buckets and math.isinf(buckets[-1][0]) else [0.0])
        count = values.get(f"{name}_count", totals[-1])
        totals[-1] = count
        counts = [max(0, int(after - before)) for before, after in zip([0.0, *totals], totals, strict=False)]
        packed = struct.pack(f"<{len(counts)}Q", *counts), struct.pack(f"<{len(bounds)}d", *bounds)
        total_sum = _double(5, values[f"{name}_sum"]) if f"{name}_sum" in values else b""
        return (
            self._time(3, samples[0])
            + _fixed(4, int(count))
            + total_sum
            + field_bytes(6, packed[0])
            + field_bytes(7, packed[1])
            + _attributes(9, self._merge(labels))
        )

    def _summary(self, name: str, labels: Attributes, samples: list[Any]) -> bytes:
        values = {sample.name: sample.value for sample in samples if "quantile" not in sample.labels}
        quantiles = b"".join(
            field_bytes(6, _double(1, float(s.labels["quantile"])) + _double(2, s.value))
            for s in samples
            if "quantile" in s.labels
        )
        return (
            self._time(3, samples[0])
            + _fixed(4, int(values.get(f"{name}_count", 0)))
            + _double(5, values.get(f"{name}_sum", 0.0))
            + quantiles
            + _attributes(7, self._merge(labels))
        )

    def _time(self, field: int, sample: Any) -> bytes:
        own = sample.timestamp if self._honor_timestamps else None
        return _time(field, self._time_s if own is None else float(own))

    def _merge(self, own: Attributes) -> Attributes:
        if self._honor_labels:
            return {**self._labels, **own}
        renamed = {f"exported_{key}" if key in self._labels else key: text for key, text in own.items()}
        return {**renamed, **self._labels}


def _metric(name: str, description: str, field: int, data: bytes) -> bytes:
    return field_bytes(1, name.encode()) + field_bytes(2, description.encode()) + field_bytes(field, data)


def _attributes(field: int, attributes: Attributes) -> bytes:
    return b"".join(build_attribute(field << 3 | 2, key, text) for key, text in attributes.items() if text)


def _time(field: int, time_s: float) -> bytes:
    return _fixed(field, max(1, int(time_s * 1e9)))


def _fixed(field: int, number: int) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<Q", number)


def _double(field: int, number: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", number)
