"""Erasing what is stored of a trace or of a unit, for those who ask to be forgotten."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel

from tollspan.gateway.storage.upkeep import Removed
from tollspan.gateway.web.access import CallersReach
from tollspan.gateway.web.parameters import TraceId
from tollspan.gateway.web.parts import parts_of
from tollspan.otlp.signals import Signal

UnitName = Annotated[str, Path(min_length=1, max_length=1024)]


class Erased(BaseModel):
    """How many items of each signal were erased."""

    traces: int
    metrics: int
    logs: int


async def erase_trace(request: Request, reach: CallersReach, trace_id: TraceId) -> Erased:
    """Erase the spans and log records of a trace."""
    return _answer(await parts_of(request).store.erase_trace(reach.tenant, reach.datasets, trace_id))


async def erase_unit(request: Request, reach: CallersReach, unit: UnitName) -> Erased:
    """Erase the spans, data points and log records of a unit."""
    return _answer(await parts_of(request).store.erase_unit(reach.tenant, reach.datasets, unit))


def _answer(removed: Removed) -> Erased:
    return Erased(**{signal.value: removed[signal] for signal in Signal})
