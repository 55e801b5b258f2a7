"""How the gateway does: alive, ready, and what became of everything it received."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tollspan.collector.ledger import Account
from tollspan.gateway.web.access import CallersReach
from tollspan.gateway.web.parts import parts_of
from tollspan.otlp.signals import Signal


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Every check has passed."""

    status: str = "ok"
    checks: dict[str, str]


class AccountAnswer(BaseModel):
    """Items since the process started; `refused` and `dropped` by reason.

    received + copied = stored + sent + all of `refused` + all of `dropped` + pending. `copied`
    are those that were given to one more exporter than the first. `refused_requests` are requests whose
    items are not known, because they could not be read.
    """

    received: int
    copied: int
    stored: int
    sent: int
    refused: dict[str, int]
    dropped: dict[str, int]
    pending: int
    refused_requests: dict[str, int]


class DatasetAccountAnswer(AccountAnswer):
    """The same of one dataset and signal."""

    dataset: str
    signal: str


class LedgerAnswer(BaseModel):
    """What became of everything that came for the caller's datasets: their sum by signal, and each."""

    traces: AccountAnswer
    metrics: AccountAnswer
    logs: AccountAnswer
    datasets: list[DatasetAccountAnswer]


async def show_health() -> Health:
    """Say that the process is alive."""
    return Health()


async def show_readiness(request: Request) -> Readiness:
    """Say whether requests are welcome: not while it stops, or when disk, databases or signing key refuse.

    Why they do is in the log alone: anyone may ask, and an error can name a folder or a host.
    """
    parts = parts_of(request)
    if parts.stopping.is_set():
        raise HTTPException(503, "the gateway is stopping")
    checks = await parts.authenticator.check()
    if parts.telemetry is not None:
        checks |= await parts.telemetry.store.check()
    problems = {name: problem for name, problem in checks.items() if problem}
    if problems:
        parts.sparse_log.log(logging.WARNING, "not_ready", *problems, **problems)
        raise HTTPException(503, f"not ready: {', '.join(problems)}; the log says why")
    return Readiness(checks=dict.fromkeys(checks, "ok"))


async def show_ledger(request: Request, reach: CallersReach) -> LedgerAnswer:
    """Account for everything that came for the caller's datasets."""
    accounts = parts_of(request).counters.ledger.accounts(reach.tenant, reach.datasets)
    sums = {signal: Account() for signal in Signal}
    for (_, signal), account in accounts.items():
        sums[signal].add(account)
    return LedgerAnswer(
        **{signal.value: AccountAnswer(**_figures(account)) for signal, account in sums.items()},
        datasets=[
            DatasetAccountAnswer(dataset=dataset, signal=signal.value, **_figures(account))
            for (dataset, signal), account in accounts.items()
        ],
    )


def _figures(account: Account) -> dict[str, Any]:
    return {
        "received": account.received,
        "copied": account.copied,
        "stored": account.stored,
        "sent": account.sent,
        "refused": +account.refused,
        "dropped": +account.dropped,
        "pending": account.pending,
        "refused_requests": +account.refused_requests,
    }
