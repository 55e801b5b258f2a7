"""How late it is for retention: what the wall clock says, but no later than is justified.

By a clock that has jumped ahead everything stored would be old. What came by it is stored under its
wrong day, so neither the clock nor the newest item can be believed alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise

import structlog

from tollspan.gateway.storage.engine import Engine
from tollspan.gateway.storage.item_writer import LAYOUTS
from tollspan.gateway.storage.statements import statement
from tollspan.gateway.storage.upkeep import DAY_S

STEP_DAYS_MAX = 3
"""So many days may go by with nothing received, as over a weekend; more of them do not count."""

_EPOCH = date(1970, 1, 1).toordinal()
_log = structlog.get_logger()


class SweepClock:
    """Is where the stored days let it be, or where the process has come to by itself since the first look."""

    def __init__(
        self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._start_s: float | None = None

    def now_s(self, engine: Engine) -> float:
        """Seconds since 1970, never after the wall clock. Blocking; raises StoreError."""
        wall_s, monotonic_s = self._wall(), self._monotonic()
        justified_s = justify_s(_find_days(engine), wall_s)
        if self._start_s is None:
            self._start_s = justified_s - monotonic_s
        now_s = min(wall_s, max(justified_s, self._start_s + monotonic_s))
        if wall_s - now_s > DAY_S:
            _log.warning("retention_behind_clock", days=int((wall_s - now_s) // DAY_S))
        return now_s


def justify_s(days: Iterable[int], wall_s: float) -> float:
    """The wall clock's time, less what gaps between `days` since 1970, and up to it, have over STEP_DAYS_MAX.

    Without days it is the wall clock's time: there is nothing to lose.
    """
    today = int(wall_s // DAY_S)
    known = sorted({day for day in days if day < today} | {today})
    surplus = sum(max(0, later - earlier - STEP_DAYS_MAX) for earlier, later in pairwise(known))
    return wall_s - surplus * DAY_S


def _find_days(engine: Engine) -> list[int]:
    tables = [layout.table for layout in LAYOUTS.values()]
    rows = engine.rows(statement("find_days"), {"tables": tables})
    return [date.fromisoformat(row["day"]).toordinal() - _EPOCH for row in rows]
