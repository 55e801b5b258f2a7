"""Samples as the bytes of remote write requests (Prometheus Remote-Write 1.0)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping

import cramjam

from tollspan.collector.exporters.prometheus_remote_write.series import Sample
from tollspan.otlp.protobuf import field_bytes, field_varint

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

_VALUE = b"\x09"  # field 1, eight bytes


def build_requests(samples: Iterable[Sample], bytes_max: int) -> Iterator[bytes]:
    """Bodies that hold the samples in their order, of at most `bytes_max` bytes before compression.

    A single series that is larger has a body of its own.
    """
    parts: list[bytes] = []
    size = 0
    for sample in samples:
        part = field_bytes(1, _time_series(sample))
        if parts and size + len(part) > bytes_max:
            yield bytes(cramjam.snappy.compress_raw(b"".join(parts)))
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    if parts:
        yield bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _time_series(sample: Sample) -> bytes:
    labels = b"".join(field_bytes(1, _label(name, sample.labels)) for name in sorted(sample.labels))
    if sample.histogram:
        return labels + field_bytes(4, sample.histogram + field_varint(15, sample.time_ms))
    point = _VALUE + struct.pack("<d", sample.value) + field_varint(2, sample.time_ms)
    return labels + field_bytes(2, point)


def _label(name: str, labels: Mapping[str, str]) -> bytes:
    return field_bytes(1, name.encode()) + field_bytes(2, labels[name].encode())
