"""Text for people at a terminal: tables, times, durations."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, datetime

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def lay_out(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows as lines, their cells below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def show_time(time_s: float | None) -> str | None:
    """RFC 3339 in UTC, to the second."""
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_duration_s(text: str) -> float:
    """Seconds in `3600`, `60m`, `12h` or `90d`; raises ArgumentTypeError."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 3600, 60m, 12h or 90d")
    return float(match[1]) * _UNITS_S[match[2] or "s"]
