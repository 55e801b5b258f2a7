"""`python -m bench.store_at_scale [--spans N] [--publish]`: a store with many spans, filled and then asked.

The spans are those of `shop_traffic`, spread over a day. They are written as the gateway writes them, in
groups; the questions are those that the pages ask, put while the day goes on and when it is over, when its
parts are merged into one. Times are from the question to its answer, in this process, so they depend on
how busy the machine is; CPU does not.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.__main__ import as_table, publish
from bench.shop_traffic import ROUND_SPANS, SERVICES, rounds
from tollspan.gateway.query import traces
from tollspan.gateway.query.attribute_catalogue import find_attribute_keys
from tollspan.gateway.query.red import find_red
from tollspan.gateway.query.service_edges import find_service_edges
from tollspan.gateway.query.time_range import SLOT_S, TimeRange
from tollspan.gateway.query.traces import TraceQuery
from tollspan.gateway.storage.statements import statement
from tollspan.gateway.storage.store import Store, View
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

DAY_NS = 24 * 3600 * 10**9
ROUNDS_OF_GROUP = 12
PAGE = 50
ASKED = 60

Row = dict[str, str]


async def fill(store: Store, spans: int, now_ns: int) -> Row:
    """`spans` spans of the day before `now_ns` are stored and merged; what that took."""
    making_s = elapsed_s = 0.0
    group: list[Batch] = []
    count = spans // ROUND_SPANS
    made = rounds(count, now_ns - DAY_NS, now_ns)
    cpu = time.process_time()
    for number in range(1, count + 1):
        begun = time.thread_time()
        requests = next(made)
        making_s += time.thread_time() - begun
        items = ROUND_SPANS // 8
        group += [
            Batch(Signal.TRACES, wire, items * size, "acme", "shop")
            for wire, size in zip(requests, (2, 3, 2, 1), strict=True)
        ]
        if number % ROUNDS_OF_GROUP == 0 or number == count:
            elapsed = time.monotonic()
            await asyncio.gather(*map(store.write, group))
            elapsed_s += time.monotonic() - elapsed
            group = []
    await _merged(store)
    cpu_s = time.process_time() - cpu - making_s
    stored = count * ROUND_SPANS
    return {
        "spans": f"{stored:,}",
        "CPU µs/span to store and merge": f"{cpu_s / stored * 1e6:.2f}",
        "spans/s": f"{stored / elapsed_s:,.0f}",
    }


async def _merged(store: Store) -> None:
    """No merge is under way, and none has begun for a while."""
    quiet = 0
    while quiet < 5:
        [merges] = store._engine.rows("SELECT count() AS running FROM system.merges", {})  # noqa: SLF001 - as in size
        quiet = 0 if merges["running"] else quiet + 1
        await asyncio.sleep(0.2)


def _end_day(store: Store) -> None:
    """What upkeep and the engine do within three hours after a day, done at once: its parts are one."""
    engine = store._engine  # noqa: SLF001 - as in size
    engine.execute(f"{statement('materialize_projections')} SETTINGS mutations_sync = 1")
    engine.execute("OPTIMIZE TABLE spans FINAL SETTINGS optimize_throw_if_noop = 1")


def size(store: Store) -> Row:
    """What the spans take on the disk and this process in memory."""
    [parts] = store._engine.rows(  # noqa: SLF001 - what a store weighs is no question of a page
        "SELECT count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts "
        "WHERE active AND table = 'spans'",
        {},
    )
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "bytes/span on disk": f"{parts['bytes'] / parts['rows']:.1f}",
        "parts": str(parts["parts"]),
        "memory MiB, most": f"{peak_mib:,.0f}",
    }


async def ask(view: View, now_ns: int) -> list[Row]:
    """How long each question takes, over ASKED of them."""
    dice = random.Random(1)
    day = TimeRange(now_ns - DAY_NS, now_ns)
    known = (await traces.find_traces(view, TraceQuery(day), limit=1000)).traces
    for hours in range(2, 24, 3):
        earlier = TraceQuery(TimeRange(day.start_unix_nano, now_ns - hours * 3600 * 10**9))
        known += (await traces.find_traces(view, earlier, limit=200)).traces

    def list_of(**conditions: Callable[[], object]) -> Callable[[], Awaitable[object]]:
        chosen = {name: choose() for name, choose in conditions.items()}
        return lambda: traces.find_traces(view, TraceQuery(day, **chosen), limit=PAGE)  # type: ignore[arg-type]

    questions: dict[str, Callable[[], Callable[[], Awaitable[object]]]] = {
        "trace by id": lambda: lambda: traces.get_trace(view, dice.choice(known).trace_id),
        "trace list, newest": list_of,
        "trace list, of a service": lambda: list_of(service=lambda: dice.choice(SERVICES)),
        "trace list, of a unit": lambda: list_of(unit=lambda: f"customer-{dice.randrange(500):04}"),
        "trace list, failed": lambda: list_of(errors=lambda: True),
        "trace list, of any hour": lambda: (
            lambda: traces.find_traces(
                view, TraceQuery(TimeRange(day.start_unix_nano, now_ns - dice.randrange(DAY_NS))), limit=PAGE
            )
        ),
        "RED over a day, by service": lambda: lambda: find_red(view, day, step_s=SLOT_S),
        "service edges over a day": lambda: lambda: find_service_edges(view, day),
        "attribute keys over a day": lambda: lambda: find_attribute_keys(view, day),
    }
    return [await _measure(name, choose) for name, choose in questions.items()]


async def _measure(name: str, choose: Callable[[], Callable[[], Awaitable[object]]]) -> Row:
    times: list[float] = []
    cpu = time.process_time()
    for _ in range(ASKED):
        question = choose()
        started = time.perf_counter()
        await question()
        times.append((time.perf_counter() - started) * 1000)
    cpu_ms = (time.process_time() - cpu) / ASKED * 1000
    quantiles = statistics.quantiles(times, n=20)
    return {
        "question": name,
        "p50 ms": f"{statistics.median(times):.1f}",
        "p95 ms": f"{quantiles[-1]:.1f}",
        "CPU ms, mean": f"{cpu_ms:.1f}",
    }


async def run(folder: Path, spans: int) -> str:
    """What it took to store, and how long the questions took during the day and after it."""
    store = Store(folder)
    await store.open()
    now_ns = time.time_ns()
    try:
        filled = await fill(store, spans, now_ns)
        before = size(store)
        during = await ask(store.view("acme"), now_ns)
        _end_day(store)
        after = await ask(store.view("acme"), now_ns)
    finally:
        await store.close()
    return "\n\n".join(
        (as_table([filled | before]), as_table(during), "When the day is over:", as_table(after))
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.store_at_scale", description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--publish", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = asyncio.run(run(Path(folder) / "telemetry", arguments.spans))
    print(text)
    if arguments.publish:
        publish("store_at_scale", f"{text}\n\n{datetime.now(UTC):%Y-%m-%d}.")


if __name__ == "__main__":
    main()
