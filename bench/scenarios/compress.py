"""Compression of a request of 512 spans.

isal and zlib-ng are close, and far from the standard library. Ours is the one that reads
requests too: a tenth of a microsecond for a span is no reason for a second dependency.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable

from isal import igzip
from zlib_ng import zlib_ng

from bench.spans import BATCH, build_wire

TITLE = "gzip a request of 512 spans"
ITEM = "span"

ROUNDS = 200

WIRE = build_wire()

CANDIDATES: dict[str, Callable[[bytes], bytes]] = {
    "zlib-ng, level 1 (ours)": lambda wire: zlib_ng.compress(wire, 1, 31),
    "isal, level 1": lambda wire: igzip.compress(wire, 1),
    "isal, level 0": lambda wire: igzip.compress(wire, 0),
    "stdlib, level 1": lambda wire: gzip.compress(wire, 1),
    "stdlib, level 9 (official exporter)": lambda wire: gzip.compress(wire, 9),
}


def _per_span(compress: Callable[[bytes], bytes]) -> Callable[[], float]:
    def run() -> float:
        started = time.process_time()
        for _ in range(ROUNDS):
            compress(WIRE)
        return (time.process_time() - started) / (ROUNDS * BATCH)

    return run


PEERS = {name: _per_span(compress) for name, compress in CANDIDATES.items()}
