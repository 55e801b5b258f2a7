"""Where in time traces are, so that their spans are found without looking for them everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from tollspan.gateway.storage.store import View


async def find_trace_slots(view: View, trace_ids: Sequence[str]) -> list[int]:
    """The begin (Unix seconds) of each five minutes in which one of the traces has a span."""
    rows = await view.rows("find_trace_slots", trace_ids=[bytes.fromhex(trace_id) for trace_id in trace_ids])
    return [row["slot"] for row in rows]
