"""`GET /api/v1/services/red`: asked of `query.red`, in the conventions of `answers`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from tollspan.gateway.query import red
from tollspan.gateway.query.time_range import SLOT_S
from tollspan.gateway.web.access import CallersView
from tollspan.gateway.web.parameters import TimeParameters


class RedParameters(TimeParameters):
    """The time asked about, in steps of a multiple of five minutes; of one service or of all."""

    step_s: int = Field(SLOT_S, ge=SLOT_S, le=1 << 31, multiple_of=SLOT_S)
    service: str = ""


class Durations(BaseModel):
    """How long spans took, in nanoseconds; the quantiles are within a tenth of the truth."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float


class Step(BaseModel):
    """What happened within `step_s` from `start_s` on (Unix seconds)."""

    start_s: int
    spans: int
    errors: int
    durations: Durations


class ServiceRed(BaseModel):
    """A service over time; steps without spans are left out."""

    service: str
    steps: list[Step]


class RedAnswer(BaseModel):
    """The services that have spans in the asked time, by name."""

    step_s: int
    data: list[ServiceRed]


async def find_red(view: CallersView, asked: Annotated[RedParameters, Query()]) -> RedAnswer:
    """Show rate, errors and durations of the services over time."""
    found = await red.find_red(view, asked.time_range(), step_s=asked.step_s, service=asked.service)
    return RedAnswer(step_s=asked.step_s, data=[ServiceRed(**asdict(service)) for service in found])
