"""Spans of time to ask about."""

from __future__ import annotations

from dataclasses import dataclass

DAY_S = 24 * 3600
NANO_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start_unix_nano` up to and without `end_unix_nano`, by when a span started."""

    start_unix_nano: int = 0
    end_unix_nano: int = NANO_MAX

    def parameters(self) -> dict[str, int]:
        """The parameters of every statement that is bound to a time.

        A span is refused when it starts more than a day after it is received, so what was
        received earlier than a day before the range cannot lie in it.
        """
        start = min(max(self.start_unix_nano, 0), NANO_MAX)
        end = min(max(self.end_unix_nano, 0), NANO_MAX)
        return {"start": start, "end": end, "received_from": max(0, start // 10**9 - DAY_S)}


ALWAYS = TimeRange()
