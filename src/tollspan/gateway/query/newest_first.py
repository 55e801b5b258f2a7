"""Pages of items, the newest first; a cursor says where the next one begins."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from tollspan.errors import QueryError
from tollspan.gateway.query.time_range import NANO_MAX, TimeRange
from tollspan.gateway.storage.engine import Row

_CURSOR = re.compile(r"(\d{1,19})\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Place:
    """After so many of the items at `moment`, which is the last one shown."""

    moment: int
    shown: int


async def find_page(
    ask: Callable[..., Awaitable[list[Row]]], time_range: TimeRange, *, after: Place, limit: int
) -> list[Row]:
    """The first `limit` rows after that place, found without reading more time than that takes.

    `ask` takes what every statement about such items does: `limit`, `offset` and the time.
    """
    rows: list[Row] = []
    offset = after.shown
    until = min(time_range.end_unix_nano, after.moment + 1)
    for part in TimeRange(time_range.start_unix_nano, until).slices(lambda: len(rows) / limit):
        rows.extend(await ask(limit=limit - len(rows), offset=offset, **part.parameters()))
        offset = 0
    return rows


def read_cursor(cursor: str | None) -> Place:
    """Where the page begins, without a cursor the first. QueryError for one that was not given out."""
    if not cursor:
        return Place(NANO_MAX, 0)
    parts = _CURSOR.fullmatch(cursor)
    if not parts:
        raise QueryError("cursor", "must be the next_cursor of an earlier answer")
    return Place(min(int(parts[1]), NANO_MAX - 1), int(parts[2]))


def next_cursor(moments: Sequence[int], *, after: Place, limit: int) -> str | None:
    """The cursor after a page of items of these moments; None when it was the last."""
    if len(moments) < limit:
        return None
    moment = moments[-1]
    shown = sum(1 for _ in takewhile(lambda own: own == moment, reversed(moments)))
    return f"{moment}.{shown + (after.shown if moment == after.moment else 0)}"
