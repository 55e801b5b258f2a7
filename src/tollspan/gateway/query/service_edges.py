"""Which service calls which, from calls that are found while spans arrive."""

from __future__ import annotations

from dataclasses import dataclass

from tollspan.gateway.query.red import slot_parameters
from tollspan.gateway.query.time_range import TimeRange
from tollspan.gateway.storage.store import View

EDGES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class ServiceEdge:
    """Calls from one service to another, or to a database (`callee` is then its `db.system.name`).

    A call counts once, and as an error when the span that came last of its two has failed.
    """

    caller: str
    callee: str
    to_database: bool
    calls: int
    errors: int


async def find_service_edges(view: View, time_range: TimeRange) -> list[ServiceEdge]:
    """The first EDGES_MAX edges by name. The range is widened to whole slots of `time_range.SLOT_S`."""
    rows = await view.rows("find_service_edges", limit=EDGES_MAX, **slot_parameters(time_range))
    return [
        ServiceEdge(row["caller"], row["callee"], row["to_database"], row["calls"], row["errors"])
        for row in rows
    ]
