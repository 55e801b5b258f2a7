"""Rate, errors and durations (RED) of services over time, from counts that are kept while spans arrive."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tollspan.errors import QueryError
from tollspan.gateway.query.time_range import SLOT_S, TimeRange
from tollspan.gateway.storage.engine import Row
from tollspan.gateway.storage.store import View

CELLS_MAX = 100_000
_TIME_END_S = (1 << 32) - SLOT_S


@dataclass(frozen=True, slots=True)
class Durations:
    """How long spans took, in nanoseconds. The quantiles are within a tenth of the truth."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of time of a service."""

    start_s: int
    spans: int
    errors: int
    durations: Durations


@dataclass(frozen=True, slots=True)
class ServiceRed:
    """A service over time; steps without spans are left out."""

    service: str
    steps: list[Step]


async def find_red(view: View, time_range: TimeRange, *, step_s: int, service: str = "") -> list[ServiceRed]:
    """Each service (empty: any) by name. The range is widened to whole slots.

    QueryError when the step is no multiple of SLOT_S, or the answer would be too long.
    """
    if step_s <= 0 or step_s % SLOT_S:
        raise QueryError("step_s", f"must be a multiple of {SLOT_S}")
    bounds = slot_parameters(time_range)
    rows = await view.rows("find_red", service=service, step=step_s, limit=CELLS_MAX + 1, **bounds)
    if len(rows) > CELLS_MAX:
        raise QueryError("step_s", f"makes more than {CELLS_MAX} values; ask for a longer one or one service")
    groups = itertools.groupby(rows, key=lambda row: row["service"])
    return [ServiceRed(name, [_step(row, bounds["from"], step_s) for row in own]) for name, own in groups]


def slot_parameters(time_range: TimeRange) -> dict[str, int]:
    """The parameters of statements about whole slots: those in which something of the range lies."""
    start_s = min(time_range.start_unix_nano // 10**9, _TIME_END_S) // SLOT_S * SLOT_S
    end_s = min(-(-time_range.end_unix_nano // 10**9), _TIME_END_S)
    return {"from": start_s, "until": end_s}


def _step(row: Row, start_s: int, step_s: int) -> Step:
    quantiles: Sequence[int] = row["buckets"]
    # A bucket counts as its middle.
    p50, p90, p95, p99 = (2.0 ** ((bucket + 0.5) / 4) for bucket in quantiles)
    return Step(
        start_s=start_s + row["step"] * step_s,
        spans=row["spans"],
        errors=row["errors"],
        durations=Durations(row["duration"] / row["spans"], p50, p90, p95, p99),
    )
