"""`python -m bench.store_soak [--spans N] [--publish]`: the small inserts of a day, one after another.

The store gets groups as a quiet gateway writes them, without the pauses, each with spans of the next moments
of the day, and retention runs as every hour. Memory and parts are read after every eighth of the day: neither
may grow with what is stored.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.__main__ import as_table, publish
from bench.shop_traffic import ROUND_SPANS, rounds
from tollspan.gateway.storage import upkeep
from tollspan.gateway.storage.store import Store
from tollspan.gateway.storage.upkeep import Retention
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

DAY_NS = 24 * 3600 * 10**9
EIGHTHS = 8
RETENTION = Retention({Signal.TRACES: 30})
SPANS_BY_REQUEST = (1024, 1536, 1024, 512)


async def soak(store: Store, spans: int) -> list[dict[str, str]]:
    """A row for each eighth of the day."""
    now_ns = time.time_ns()
    count = spans // ROUND_SPANS // EIGHTHS * EIGHTHS
    rows = []
    for number, requests in enumerate(rounds(count, now_ns - DAY_NS, now_ns), 1):
        for wire, items in zip(requests, SPANS_BY_REQUEST, strict=True):
            await store.write(Batch(Signal.TRACES, wire, items, "acme", "shop"))
        if number % (count // EIGHTHS) == 0:
            await store._maintain(upkeep.expire, RETENTION, time.time())  # noqa: SLF001 - runs every hour
            rows.append(_state(store, number))
    return rows


def _state(store: Store, done: int) -> dict[str, str]:
    [parts] = store._engine.rows(  # noqa: SLF001 - no question of a page
        "SELECT count() AS parts, sum(rows) AS rows FROM system.parts WHERE active AND table = 'spans'", {}
    )
    assert parts["rows"] == done * ROUND_SPANS
    memory_mib = psutil.Process().memory_info().rss / 2**20
    return {
        "inserts": f"{done * 4:,}",
        "spans": f"{parts['rows']:,}",
        "parts": str(parts["parts"]),
        "memory MiB": f"{memory_mib:,.0f}",
    }


async def run(folder: Path, spans: int) -> str:
    """The table."""
    store = Store(folder)
    await store.open()
    try:
        return as_table(await soak(store, spans))
    finally:
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.store_soak", description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--publish", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = asyncio.run(run(Path(folder) / "telemetry", arguments.spans))
    print(text)
    if arguments.publish:
        publish("store_soak", f"{text}\n\n{datetime.now(UTC):%Y-%m-%d}.")


if __name__ == "__main__":
    main()
