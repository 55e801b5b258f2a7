"""`python -m bench [SCENARIO …] [--runs N] [--publish]`: measure, print, and put the tables into the docs."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

SCENARIOS = (
    "sdk_export",
    "sdk_all_in",
    "sdk_unit_stamp",
    "sdk_start",
    "sdk_memory",
    "sdk_exit",
    "compress",
    "decode",
    "gateway_ingest",
    "gateway_visible",
    "processors",
    "collector_memory",
    "collector_filter",
    "collector_attributes",
    "collector_tail_sampling",
    *(f"collector_{protocol}_{spans}" for protocol in ("http", "grpc") for spans in (1, 100, 512)),
)
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PACKAGES = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "protobuf", "chdb", "uvicorn")


def measure_once(scenario: str, peer: str) -> float:
    """What one peer needs per item, in a fresh process: CPU seconds, or what the scenario says."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--one", scenario, peer],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds: float = json.loads(done.stdout.splitlines()[-1])
    return seconds


def measure(scenario: str, runs: int) -> list[dict[str, str]]:
    """One row per peer: median, spread and ratio, from `runs` rounds in which the peers take turns."""
    module = importlib.import_module(f"bench.scenarios.{scenario}")
    rounds = [{peer: measure_once(scenario, peer) for peer in module.PEERS} for _ in range(runs)]
    ours = next(iter(module.PEERS))
    unit, scale = getattr(module, "UNIT", "µs CPU"), getattr(module, "SCALE", 1e6)
    rows = []
    for peer in module.PEERS:
        times = sorted(round_[peer] * scale for round_ in rounds)
        ratio = statistics.median(round_[ours] / round_[peer] for round_ in rounds)
        rows.append(
            {
                "what": module.TITLE,
                "who": peer,
                f"{unit} per {module.ITEM}, median": f"{statistics.median(times):.2f}",
                "min to max": f"{times[0]:.2f} to {times[-1]:.2f}",
                "ours ÷ this": "" if peer == ours else f"{ratio:.3f}",
            }
        )
    return rows


def as_table(rows: list[dict[str, str]]) -> str:
    """The rows as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([row[name] for name in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """What was measured on, in one line."""
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) or [platform.machine()]
    system = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return f"{names[0]}, {system}; " + ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def publish(name: str, text: str) -> None:
    """Put `text` into docs/performance.md, in the place of what was published under this name before."""
    page = PAGE.read_text()
    block = f"<!-- measured: {name} -->\n{text}\n<!-- end: {name} -->"
    place = re.compile(rf"<!-- measured: {name} -->.*<!-- end: {name} -->", re.DOTALL)
    found = place.search(page)
    PAGE.write_text(place.sub(lambda _: block, page) if found else f"{page.rstrip()}\n\n{block}\n")


def main() -> None:
    """Measure one peer once, or scenarios side by side."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", default=SCENARIOS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("SCENARIO", "PEER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        scenario, peer = arguments.one
        print(json.dumps(importlib.import_module(f"bench.scenarios.{scenario}").PEERS[peer]()))
        return
    if arguments.publish:
        publish("machine", f"Measured on {machine()}.")
    for scenario in arguments.scenarios:
        table = as_table(measure(scenario, arguments.runs))
        print(table, flush=True)
        if arguments.publish:
            publish(
                scenario,
                f"{table}\n\n{datetime.now(UTC):%Y-%m-%d}, {arguments.runs} runs of each, taking turns.",
            )


if __name__ == "__main__":
    main()
