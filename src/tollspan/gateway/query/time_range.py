"""Spans of time to ask about."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

DAY_S = 24 * 3600
NANO_MAX = (1 << 63) - 1
SECONDS_MAX = (1 << 32) - 1
"""The last second of the engine's DateTime, in 2106: nothing that is stored is later."""

SLOT_S = 300
"""The tables are ordered, and spans counted, by slots of so many seconds."""

FIRST_SLICE_NANO = 60 * 10**9
SLICE_GROWTH_MIN, SLICE_GROWTH, SLICE_GROWTH_MAX = 4, 16, 64
SLICE_MARGIN = 1.5
"""To read more at once than seems needed costs less than to ask once more."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start_unix_nano` up to and without `end_unix_nano`, by when a span started or an item was."""

    start_unix_nano: int = 0
    end_unix_nano: int = NANO_MAX

    def parameters(self) -> dict[str, int]:
        """The parameters of every statement that is bound to a time.

        An item is refused when it is dated more than a day after it is received, so what was
        received earlier than a day before the range cannot lie in it. The slots are those that the
        range touches: tables are ordered by them, not by time alone. All of it may be left out unless
        `bounded` is 1.
        """
        start = min(max(self.start_unix_nano, 0), NANO_MAX)
        end = min(max(self.end_unix_nano, 0), NANO_MAX)
        return {
            "bounded": int(self != ALWAYS),
            "start": start,
            "end": end,
            "slot_first": min(start // 10**9, SECONDS_MAX) // SLOT_S * SLOT_S,
            "slot_last": min(end // 10**9, SECONDS_MAX),
            "received_from": max(0, start // 10**9 - DAY_S),
        }

    def slices(self, found: Callable[[], float]) -> Iterator[TimeRange]:
        """The range cut up, the newest part first, until `found` says that nothing more is wanted.

        `found` tells which share of what is wanted there was so far. By that each slice is as wide
        as the rest will probably take: a list of the newest is filled with few questions, and
        without reading much more than it shows.
        """
        end = self.end_unix_nano
        newest = start = min(end, time.time_ns())
        width = FIRST_SLICE_NANO
        while end > self.start_unix_nano and found() < 1:
            start = max(self.start_unix_nano, start - width)
            yield TimeRange(start, end)
            end = start
            share = found()
            rest = SLICE_MARGIN * (newest - start) * (1 / share - 1) if share else width * SLICE_GROWTH
            width = round(min(max(rest, width * SLICE_GROWTH_MIN), width * SLICE_GROWTH_MAX))


ALWAYS = TimeRange()
