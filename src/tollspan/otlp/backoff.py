"""How long to wait before the next attempt."""

from __future__ import annotations

from collections.abc import Callable


def backoff_s(attempt: int, *, initial_s: float, max_s: float, random: Callable[[], float]) -> float:
    """The wait after failed attempt number `attempt`, counted from 1.

    Exponential with full jitter: uniform between 0 and `initial_s` doubled with each
    attempt, at most `max_s`. Clients that failed together do not come back together.
    """
    # 2**60 intervals are beyond any `max_s`, and a float cannot hold 2**1024.
    ceiling_s = min(max_s, initial_s * 2.0 ** min(attempt - 1, 60))
    return ceiling_s * random()
