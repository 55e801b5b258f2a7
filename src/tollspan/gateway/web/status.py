"""How the gateway does: alive, ready, and what became of everything it received."""

from __future__ import annotations

from collections import Counter

from fastapi import Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tollspan.collector.events import ITEM_NAMES, Counters
from tollspan.gateway.web.parts import parts_of
from tollspan.otlp.signals import Signal


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class SignalCounts(BaseModel):
    """Items of one signal since the process started, of all tenants; `rejected` by reason."""

    received: int
    stored: int
    rejected: dict[str, int]


class Counts(BaseModel):
    """For every signal it holds that received = stored + rejected + what is on its way."""

    traces: SignalCounts
    metrics: SignalCounts
    logs: SignalCounts


async def show_health() -> Health:
    """Say that the process is alive."""
    return Health()


async def show_readiness(request: Request) -> Health:
    """Say whether new requests are welcome: they are from start until stop."""
    if parts_of(request).stopping.is_set():
        raise HTTPException(503, "the gateway is stopping")
    return Health()


async def show_counts(request: Request) -> Counts:
    """Count what was received, stored and rejected."""
    counters = parts_of(request).counters
    return Counts(**{signal.value: _counts(counters, ITEM_NAMES[signal]) for signal in Signal})


def _counts(counters: Counters, items: str) -> SignalCounts:
    rejected: Counter[str] = Counter()
    for (name, labels), amount in counters.snapshot().items():
        if name == f"otelcol_receiver_refused_{items}":
            rejected[dict(labels)["reason"]] += amount
    accepted = counters.total(f"otelcol_receiver_accepted_{items}")
    stored = counters.total(f"otelcol_exporter_sent_{items}", exporter="storage")
    return SignalCounts(received=accepted + rejected.total(), stored=stored, rejected=+rejected)
