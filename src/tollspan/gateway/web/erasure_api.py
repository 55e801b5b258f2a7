"""Erasing what is stored of a trace or of a unit, for those who ask to be forgotten."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel

from tollspan.gateway.authserver import audit
from tollspan.gateway.storage.upkeep import Removed
from tollspan.gateway.web.access import CallersReach
from tollspan.gateway.web.parameters import TraceId
from tollspan.gateway.web.parts import parts_of
from tollspan.oauth2.principal import Principal
from tollspan.otlp.signals import Signal

UnitName = Annotated[str, Path(min_length=1, max_length=1024)]


class Erased(BaseModel):
    """How many items of each signal were erased."""

    traces: int
    metrics: int
    logs: int


async def erase_trace(request: Request, reach: CallersReach, trace_id: TraceId) -> Erased:
    """Erase the spans and log records of a trace."""
    removed = await parts_of(request).store.erase_trace(reach.tenant, reach.datasets, trace_id)
    return await _conclude(request, "trace_erased", trace_id, removed)


async def erase_unit(request: Request, reach: CallersReach, unit: UnitName) -> Erased:
    """Erase the spans, data points and log records of a unit."""
    removed = await parts_of(request).store.erase_unit(reach.tenant, reach.datasets, unit)
    return await _conclude(request, "unit_erased", unit, removed)


async def _conclude(request: Request, action: str, subject: str, removed: Removed) -> Erased:
    """The answer; who erased what is in the audit log."""
    counts = {signal.value: removed[signal] for signal in Signal}
    await asyncio.to_thread(_note, request, action, subject, counts)
    return Erased(**counts)


def _note(request: Request, action: str, subject: str, counts: dict[str, int]) -> None:
    caller: Principal = request.state.principal
    subject = subject.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL keeps no text with a NUL
    with parts_of(request).identity.database.writing(announced=False) as connection:
        audit.note(connection, caller.subject, action, tenant=caller.tenant, subject=subject, **counts)
