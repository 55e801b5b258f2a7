"""The data points of a request as samples of Prometheus series."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tollspan.collector.exporters.prometheus_remote_write.naming import (
    join_words,
    label_name,
    metric_words,
    plain_words,
)
from tollspan.collector.exporters.prometheus_remote_write.native_histogram import build_histogram
from tollspan.otlp import _decode
from tollspan.otlp._columns import Table
from tollspan.otlp.schema import MetricType
from tollspan.otlp.values import read_attributes, read_value, to_text

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0_0000_0000_0002))[0]
"""The NaN that ends a series (Prometheus, "Staleness")."""

_NO_RECORDED_VALUE = 1
_CUMULATIVE = 2
_IDENTITY = ("service.namespace", "service.name", "service.instance.id")

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Style:
    """What users can choose about series."""

    namespace: str = ""
    suffixes: bool = True
    external_labels: Mapping[str, str] = field(default_factory=dict)
    resource_labels: bool = False
    service_labels: bool = True
    target_info: bool = True
    scope_labels: bool = True


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of the series that its labels name; `__name__` is one of them.

    With `histogram`, a native one without its time, `value` says nothing.
    """

    labels: Labels
    value: float
    time_ms: int
    histogram: bytes = b""


@dataclass(frozen=True, slots=True)
class Translation:
    """The samples of a request, and the data points that Prometheus has no series for."""

    samples: list[Sample]
    rejected: int
    reason: str


def translate(wire: bytes, style: Style) -> Translation:
    """The metrics request as samples; WireError or LimitError as `_decode.decode`."""
    decoded = _decode.decode("metrics", wire)
    request = _Request(decoded.tables, style)
    samples = list(request.samples())
    rejected = decoded.rejected + request.unknown
    reasons = [*decoded.problems[:1]]
    if request.unknown:
        reasons.append("Prometheus knows no delta temporality, and no exponential histograms this coarse")
    return Translation(samples, rejected, "; ".join(reasons))


class _Request:
    """One decoded request; `unknown` counts the points that became no samples."""

    def __init__(self, tables: Mapping[str, Any], style: Style) -> None:
        self._tables = tables
        self._style = style
        self._resources = [
            _read_texts(tables["resource_attributes"], rows)
            for rows in tables["resources"].columns["attributes"]
        ]
        self._latest_ms: dict[int, int] = {}
        self.unknown = 0

    def samples(self) -> Iterator[Sample]:
        """Every sample, those of `target_info` last."""
        yield from self._points("number_points", self._number)
        yield from self._points("histogram_points", self._histogram)
        yield from self._points("summary_points", self._summary)
        yield from self._exponential_histograms()
        if self._style.target_info:
            yield from self._target_info()

    def _points(self, table: str, build: Any) -> Iterator[Sample]:
        columns = self._tables[table].columns
        for row, name, labels, time_ms in self._series(table):
            stale = columns["flags"][row] & _NO_RECORDED_VALUE
            for suffix, extra, value in build(columns, row):
                sample = {**labels, **extra, "__name__": name + suffix}
                yield Sample(sample, STALE if stale else value, time_ms)

    def _exponential_histograms(self) -> Iterator[Sample]:
        columns = self._tables["exponential_histogram_points"].columns
        for row, name, labels, time_ms in self._series("exponential_histogram_points"):
            stale = columns["flags"][row] & _NO_RECORDED_VALUE
            histogram = build_histogram(self._tables, row, STALE if stale else columns["sum"][row])
            if histogram is None:
                self.unknown += 1
            else:
                yield Sample({**labels, "__name__": name}, 0.0, time_ms, histogram)

    def _series(self, table: str) -> Iterator[tuple[int, str, Labels, int]]:
        """Row, name, labels and time of each point that Prometheus can have; others are counted."""
        columns, metrics = self._tables[table].columns, self._tables["metrics"].columns
        attributes = self._tables[f"{table[:-1]}_attributes"]
        for row in range(self._tables[table].rows):
            metric = columns["metric"][row]
            if metrics["temporality"][metric] not in {0, _CUMULATIVE}:
                self.unknown += 1
                continue
            time_ms = columns["time_unix_nano"][row] // 1_000_000
            resource = metrics["resource"][metric]
            self._latest_ms[resource] = max(time_ms, self._latest_ms.get(resource, 0))
            own = _read_texts(attributes, columns["attributes"][row])
            yield row, self._name(metric), self._labels(resource, metrics["scope"][metric], own), time_ms

    def _number(self, columns: Mapping[str, Any], row: int) -> Iterator[tuple[str, Labels, float]]:
        value = read_value(columns["type"][row], columns["number"][row], b"")
        yield "", {}, float(value or 0)

    def _histogram(self, columns: Mapping[str, Any], row: int) -> Iterator[tuple[str, Labels, float]]:
        bounds = self._tables["histogram_point_explicit_bounds"].columns["bound"]
        counts = self._tables["histogram_point_bucket_counts"].columns["count"]
        total = 0
        for bound, count in zip(columns["explicit_bounds"][row], columns["bucket_counts"][row], strict=False):
            total += counts[count]
            yield "_bucket", {"le": format_number(bounds[bound])}, float(total)
        yield "_bucket", {"le": "+Inf"}, float(columns["count"][row])
        if columns["has_sum"][row]:
            yield "_sum", {}, columns["sum"][row]
        yield "_count", {}, float(columns["count"][row])

    def _summary(self, columns: Mapping[str, Any], row: int) -> Iterator[tuple[str, Labels, float]]:
        values = self._tables["summary_point_quantile_values"].columns
        for quantile in columns["quantile_values"][row]:
            label = {"quantile": format_number(values["quantile"][quantile])}
            yield "", label, values["value"][quantile]
        yield "_sum", {}, columns["sum"][row]
        yield "_count", {}, float(columns["count"][row])

    def _name(self, metric: int) -> str:
        columns = self._tables["metrics"].columns
        name = columns["name"][metric].decode("utf-8", "replace")
        unit = columns["unit"][metric].decode("utf-8", "replace")
        if not self._style.suffixes:
            return join_words(plain_words(name), self._style.namespace)
        kind, monotonic = MetricType(columns["type"][metric]), bool(columns["monotonic"][metric])
        return join_words(metric_words(name, unit, kind, monotonic=monotonic), self._style.namespace)

    def _labels(self, resource: int, scope: int, own: Labels) -> dict[str, str]:
        style, attributes = self._style, self._resources[resource]
        labels = dict(style.external_labels)
        if style.resource_labels:
            kept = attributes if style.service_labels else _without_identity(attributes)
            labels |= sanitize(kept)
        if style.scope_labels:
            columns = self._tables["scopes"].columns
            texts = {key: columns[key][scope].decode("utf-8", "replace") for key in ("name", "version")}
            labels |= {f"otel_scope_{key}": text for key, text in texts.items() if text}
        return labels | sanitize(own) | _identity(attributes)

    def _target_info(self) -> Iterator[Sample]:
        for resource, time_ms in self._latest_ms.items():
            attributes = self._resources[resource]
            identity, others = _identity(attributes), _without_identity(attributes)
            if identity and others:
                name = "_".join(filter(None, (self._style.namespace, "target_info")))
                labels = {**self._style.external_labels, **sanitize(others), **identity, "__name__": name}
                yield Sample(labels, 1.0, time_ms)


def _read_texts(table: Table, rows: Iterable[int]) -> dict[str, str]:
    return {key: to_text(value) for key, value in read_attributes(table, rows).items()}


def sanitize(attributes: Labels) -> dict[str, str]:
    """Attributes as labels; those that get the same name share it, their values joined by `;`."""
    labels: dict[str, str] = {}
    for key in sorted(attributes):
        name = label_name(key)
        labels[name] = f"{labels[name]};{attributes[key]}" if name in labels else attributes[key]
    return labels


def format_number(number: float) -> str:
    """As Prometheus writes numbers in labels: the shortest text, whole ones without a fraction."""
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _identity(attributes: Labels) -> dict[str, str]:
    name, namespace = attributes.get("service.name"), attributes.get("service.namespace")
    job = f"{namespace}/{name}" if name and namespace else name
    found = {"job": job, "instance": attributes.get("service.instance.id")}
    return {label: text for label, text in found.items() if text}


def _without_identity(attributes: Labels) -> dict[str, str]:
    return {key: text for key, text in attributes.items() if key not in _IDENTITY}
