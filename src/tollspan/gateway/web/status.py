"""How the gateway does: alive, ready, and what became of everything it received."""

from __future__ import annotations

import asyncio
from collections import Counter

from fastapi import Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tollspan.collector.events import ITEM_NAMES, Counters
from tollspan.errors import StoreError
from tollspan.gateway.web.access import CallersReach
from tollspan.gateway.web.parts import Parts, parts_of
from tollspan.otlp.signals import Signal


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Every check has passed."""

    status: str = "ok"
    checks: dict[str, str]


class AccountAnswer(BaseModel):
    """Items of one dataset and signal since the process started.

    received = stored + all of `refused` + pending.
    """

    dataset: str
    signal: str
    received: int
    stored: int
    refused: dict[str, int]
    pending: int


class LedgerAnswer(BaseModel):
    """The accounts of the caller's datasets."""

    data: list[AccountAnswer]


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


async def show_readiness(request: Request) -> Readiness:
    """Say whether requests are welcome: not while it stops, or when disk or databases refuse."""
    parts = parts_of(request)
    if parts.stopping.is_set():
        raise HTTPException(503, "the gateway is stopping")
    checks = await parts.store.check() | {"identity": await asyncio.to_thread(_check_identity, parts)}
    problems = [f"{name}: {problem}" for name, problem in checks.items() if problem]
    if problems:
        raise HTTPException(503, "; ".join(problems))
    return Readiness(checks=dict.fromkeys(checks, "ok"))


def _check_identity(parts: Parts) -> str:
    try:
        parts.identity.published_keys.all()
    except StoreError as error:
        return str(error)
    return ""


async def show_ledger(request: Request, reach: CallersReach) -> LedgerAnswer:
    """Account for everything that came for the caller's datasets."""
    accounts = parts_of(request).store.ledger.accounts(reach.tenant, reach.datasets)
    return LedgerAnswer(
        data=[
            AccountAnswer(
                dataset=dataset,
                signal=signal.value,
                received=account.received,
                stored=account.stored,
                refused=+account.refused,
                pending=account.pending,
            )
            for (dataset, signal), account in accounts.items()
        ]
    )


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
