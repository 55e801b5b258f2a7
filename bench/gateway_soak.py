"""`python -m bench.gateway_soak [--minutes N] [--publish]`: does a gateway grow while it works?

The gateway is a process of its own with the traffic of `soak_load`. What makes a day long is shortened:
inserts of each signal come as fast as groups are written, where a quiet day has one in five seconds;
access tokens hold for 30 s; the engine forgets merged parts after 20 s, not after eight minutes. The
hourly sweep of what is too old is not: it runs once, at the start.

The verdict is the slope of Theil and Sen through what was measured in the last two thirds.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.__main__ import as_table, publish
from bench.soak_load import TOKEN_LIFETIME_S, Load, read_ledger
from tollspan.gateway.storage.item_writer import LAYOUTS
from tollspan.gateway.storage.store import TELEMETRY, Store

SAMPLES = 60
SAMPLES_A_ROW = 5
SENDERS = 3
INTERVAL_S = 0.25
OLD_PARTS_LIFETIME_S = 20
DAY_INSERTS = 24 * 3600 / 5
GROWTH_MAX = {"memory MiB": 0.05, "parts": 0.5, "threads": 0.05, "file descriptors": 0.25}
"""What may be added over the time that is judged, as a share of the median. Parts and their open files come
and go with merges, and with the logarithm of what is stored."""

Sample = dict[str, float]


async def prepare(folder: Path) -> None:
    """The telemetry is stored with parts that are forgotten early."""
    store = Store(folder / TELEMETRY)
    await store.open()
    for layout in LAYOUTS.values():
        setting = f"old_parts_lifetime = {OLD_PARTS_LIFETIME_S}"
        store._engine.execute(f"ALTER TABLE {layout.table} MODIFY SETTING {setting}")  # noqa: SLF001
    await store.close()


def parts_of(folder: Path, table: str) -> tuple[int, int]:
    """How many parts the table has, and how many inserts there were, by the names of the parts' folders."""
    [place] = (folder / TELEMETRY / "data").glob(f"*/{table}")
    names = [part.name.split("_") for part in place.iterdir() if part.name[0].isdigit()]
    blocks = [(int(first), int(last), int(level)) for _, first, last, level, *_ in names]
    active = [
        (first, last)
        for first, last, level in blocks
        if not any(a <= first and last <= b and level < high for a, b, high in blocks)
    ]
    return len(active), max((last for _, last in active), default=0)


def sample(process: psutil.Process, folder: Path, load: Load, minute: float) -> Sample:
    """How the gateway does now; latencies are those since the last sample."""
    tables = [parts_of(folder, layout.table) for layout in LAYOUTS.values()]
    latencies, load.latencies_s = load.latencies_s, []
    return {
        "minute": minute,
        "inserts": sum(inserts for _, inserts in tables),
        "items": load.acknowledged.total(),
        "parts": sum(parts for parts, _ in tables),
        "memory MiB": process.memory_info().rss / 2**20,
        "threads": process.num_threads(),
        "file descriptors": process.num_fds(),
        "p99 ms": statistics.quantiles(latencies, n=100)[-1] * 1000,
    }


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes between any two points (Theil 1950, Sen 1968)."""
    points = itertools.combinations(zip(times, values, strict=True), 2)
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in points)


def judge(samples: Sequence[Sample]) -> list[dict[str, str]]:
    """What grew over the last two thirds, beside what it may have grown."""
    judged = samples[len(samples) // 3 :]
    minutes = [own["minute"] for own in judged]
    rows = []
    for name, share in GROWTH_MAX.items():
        values = [own[name] for own in judged]
        growth, limit = slope(minutes, values) * (minutes[-1] - minutes[0]), statistics.median(values) * share
        rows.append(
            {
                "what": name,
                "median": f"{statistics.median(values):,.0f}",
                "growth": f"{growth:+.1f}",
                "allowed": f"{limit:.1f}",
                "verdict": "holds" if growth <= limit else "grows",
            }
        )
    return rows


def check_ledger(load: Load) -> str:
    """AssertionError unless every acknowledged item was stored and everything received has one fate."""
    ledger = read_ledger(load)
    for signal, acknowledged in load.acknowledged.items():
        own = ledger[signal.value]
        lost = sum(own["refused"].values()) + sum(own["dropped"].values())
        settled = own["stored"] + own["sent"] + lost
        assert own["received"] + own["copied"] == settled + own["pending"], own
        assert (own["stored"], own["pending"]) == (acknowledged, 0), (own, acknowledged)
    return f"{load.acknowledged.total():,} items acknowledged, as many stored, none pending"


def soak(folder: Path, minutes: float) -> str:
    """The tables, and what there was beside them."""
    asyncio.run(prepare(folder))
    config = folder / "soak.yaml"
    config.write_text(f"extensions:\n  auth:\n    access_token_lifetime: {TOKEN_LIFETIME_S}s\n")
    tollspan = [sys.executable, "-m", "tollspan.cli"]
    where = [
        "--data-dir",
        str(folder),
        "--http",
        "127.0.0.1:0",
        "--grpc",
        "127.0.0.1:0",
        "--config",
        str(config),
    ]
    gateway = subprocess.Popen(
        [*tollspan, "gateway", *where], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert gateway.stdout is not None
        ready = json.loads(gateway.stdout.readline())
        load = _load(tollspan, folder, ready)
        load.start(SENDERS, INTERVAL_S)
        samples = _samples(psutil.Process(gateway.pid), folder, load, minutes)
        load.stop()
        assert not load.faults, load.faults[:10]
        return _report(samples, load)
    finally:
        gateway.terminate()
        gateway.wait(60)


def _load(tollspan: list[str], folder: Path, ready: dict[str, str]) -> Load:
    permissions = ",".join(
        f"{verb}:{what}" for verb in ("write", "read") for what in ("traces", "metrics", "logs")
    )
    create = ["credentials", "create", "--name", "soak", "--permissions", permissions, "--json"]
    done = subprocess.run([*tollspan, *create, "--data-dir", str(folder)], check=True, stdout=subprocess.PIPE)
    credential = json.loads(done.stdout)
    return Load(ready["http"], ready["grpc"], credential["client_id"], credential["client_secret"])


def _samples(process: psutil.Process, folder: Path, load: Load, minutes: float) -> list[Sample]:
    samples, started = [], time.monotonic()
    for number in range(1, SAMPLES + 1):
        time.sleep(max(0.0, started + number * minutes * 60 / SAMPLES - time.monotonic()))
        samples.append(sample(process, folder, load, (time.monotonic() - started) / 60))
    return samples


def _report(samples: Sequence[Sample], load: Load) -> str:
    rows = [
        {name: f"{value:.1f}" if name == "minute" else f"{value:,.0f}" for name, value in own.items()}
        for own in samples[SAMPLES_A_ROW - 1 :: SAMPLES_A_ROW]
    ]
    hours = samples[-1]["inserts"] / len(LAYOUTS) / DAY_INSERTS * 24
    beside = ", ".join(f"{count:,} {name}" for name, count in sorted(load.counts.items()))
    text = f"As many inserts as {hours:.1f} hours bring, at one in five seconds for each signal; {beside}."
    return "\n\n".join((as_table(rows), as_table(judge(samples)), f"{text} Ledger: {check_ledger(load)}."))


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.gateway_soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--publish", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = soak(Path(folder), arguments.minutes)
    print(text)
    if arguments.publish:
        publish("gateway_soak", f"{text}\n\n{datetime.now(UTC):%Y-%m-%d}.")


if __name__ == "__main__":
    main()
