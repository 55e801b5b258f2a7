"""The collector's own metrics, under the Collector's names, in Prometheus's text format 0.0.4.

The names carry no `_total`, as those of the Collector do not, which is why this is not left
to a client library: that would add it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import psutil
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tollspan.collector.events import Counters, Key

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def watch_process(counters: Counters) -> None:
    """The gauges of the process are there."""
    process, started_s = psutil.Process(), time.monotonic()
    counters.watch("otelcol_process_memory_rss", lambda: process.memory_info().rss)
    counters.watch("otelcol_process_cpu_seconds", lambda: sum(process.cpu_times()[:2]))
    counters.watch("otelcol_process_uptime", lambda: time.monotonic() - started_s)


def build_route(counters: Counters, resource: Mapping[str, Any]) -> Route:
    """`/metrics` shows the counters and gauges as they are at each request."""
    info: dict[Key, float] = {("target_info", tuple(sorted((k, str(v)) for k, v in resource.items()))): 1}

    async def show(request: Request) -> Response:
        text = render("counter", counters.snapshot()) + render("gauge", {**counters.gauges(), **info})
        return Response(text, media_type=CONTENT_TYPE)

    return Route("/metrics", show)


def render(kind: str, values: Mapping[Key, float]) -> str:
    """The metrics, each name once with its kind and then with every set of labels."""
    return "".join(_lines(kind, values))


def _lines(kind: str, values: Mapping[Key, float]) -> Iterator[str]:
    for name, keys in groupby(sorted(values), key=lambda key: key[0]):
        yield f"# TYPE {name} {kind}\n"
        for key in keys:
            labels = ",".join(f'{_label(label)}="{text.translate(_ESCAPES)}"' for label, text in key[1])
            yield f"{name}{{{labels}}} {values[key]}\n" if labels else f"{name} {values[key]}\n"


def _label(name: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name)
