"""A batch of telemetry on its way through a pipeline: the bytes as they came, and whose they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tollspan.otlp import _reshape
from tollspan.otlp.signals import Signal

Lane = tuple[Signal, str, str]
"""Signal, tenant, dataset: what batches must share to become one."""

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Batch:
    """An immutable OTLP export request.

    `wire` is the protobuf `Export*ServiceRequest`, uncompressed. `items` counts its
    spans, data points or log records. `tenant` and `dataset` come from the credential
    that sent it and are never read from the payload; both are empty in a collector
    that asks for no credentials.
    """

    signal: Signal
    wire: bytes
    items: int
    tenant: str = ""
    dataset: str = ""

    @property
    def lane(self) -> Lane:
        """The batch's signal, tenant and dataset."""
        return self.signal, self.tenant, self.dataset


def digest(batch: Batch) -> bytes:
    """DIGEST_BYTES: the same for two batches exactly when the same bytes were sent to the same place."""
    state = hashlib.sha256(repr((batch.signal.value, batch.tenant, batch.dataset)).encode())
    state.update(batch.wire)
    return state.digest()[:DIGEST_BYTES]


def merge(batches: Sequence[Batch]) -> Batch:
    """The batches as one, in their order.

    Concatenating two serialised requests is their protobuf merge, so nothing is decoded.
    All must share signal, tenant and dataset: a mixture is a programming error.
    """
    first = batches[0]
    if any(batch.lane != first.lane for batch in batches):
        raise ValueError("only batches of one signal, tenant and dataset can be merged")
    if len(batches) == 1:
        return first
    wire = b"".join(batch.wire for batch in batches)
    return Batch(first.signal, wire, sum(b.items for b in batches), first.tenant, first.dataset)


def split(batch: Batch, items_max: int) -> list[Batch]:
    """The batch as several, in order, of at most `items_max` items each; WireError when it can't be read."""
    signal = batch.signal.value
    wires = _reshape.split(signal, batch.wire, items_max)
    return [replace(batch, wire=wire, items=_reshape.count(signal, wire)) for wire in wires]
