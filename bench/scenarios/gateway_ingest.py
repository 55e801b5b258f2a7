"""OTLP/HTTP in, durable and queryable out: the whole gateway, and the floors of its steps.

The gateway is measured from outside, over sockets, by the operating system's account of its
process: requests of 512 spans, gzip, an access token on each, 32 senders. Measured is until
the engine has merged what there is to merge, but not its start. A step's floor is that step
alone, in a process of its own.
"""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import urllib3
from zlib_ng import zlib_ng

from bench.gateway import RunningGateway, running_gateway
from bench.spans import BATCH, build_wire, build_wires
from tollspan.gateway.allocator import keep_freed_memory
from tollspan.gateway.storage.store import Store
from tollspan.otlp import _decode
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

TITLE = "ingest to durable and queryable"
ITEM = "span"
REQUESTS = 1600
WARM_UP_REQUESTS = 160
MEASURED_SPANS = (REQUESTS - WARM_UP_REQUESTS) * BATCH
SENDERS = 32
QUIET_S = 2.0
IDLE_SHARE_MAX = 0.03


def _gateway() -> float:
    bodies = [zlib_ng.compress(wire, level=1, wbits=31) for wire in build_wires(REQUESTS)]
    with running_gateway("write:traces") as gateway:
        _send(gateway, bodies[:WARM_UP_REQUESTS])
        started = _cpu_s_once_quiet(gateway.pid)
        _send(gateway, bodies[WARM_UP_REQUESTS:])
        return (_cpu_s_once_quiet(gateway.pid) - started) / MEASURED_SPANS


def _send(gateway: RunningGateway, bodies: list[bytes]) -> None:
    """Post all bodies from SENDERS threads; each must be acknowledged."""
    pool = urllib3.PoolManager(maxsize=SENDERS)
    headers = {
        **gateway.authorization,
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "gzip",
    }
    waiting = iter(bodies)
    faults: list[int] = []

    def run() -> None:
        for body in waiting:
            answer = pool.request("POST", f"{gateway.url}/v1/traces", body=body, headers=headers)
            if answer.status != 200:
                faults.append(answer.status)

    threads = [threading.Thread(target=run) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _cpu_s_once_quiet(pid: int) -> float:
    """What the process has used when it has had nearly nothing to do for a while."""
    used, before = _cpu_s(pid), -math.inf
    while used - before > QUIET_S * IDLE_SHARE_MAX:
        time.sleep(QUIET_S)
        used, before = _cpu_s(pid), used
    return used


def _store() -> float:
    batches = [Batch(Signal.TRACES, wire, BATCH, "default", "default") for wire in build_wires(REQUESTS)]

    async def run(folder: str) -> float:
        keep_freed_memory()
        store = Store(Path(folder) / "telemetry")
        await store.open()
        for first in range(0, REQUESTS, SENDERS):
            if first == WARM_UP_REQUESTS:
                started = await asyncio.to_thread(_cpu_s_once_quiet, os.getpid())
            await asyncio.gather(*(store.write(batch) for batch in batches[first : first + SENDERS]))
        spent = await asyncio.to_thread(_cpu_s_once_quiet, os.getpid()) - started
        await store.close()
        return spent / MEASURED_SPANS

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(folder))


def _decode_alone() -> float:
    wires = [build_wire(seed) for seed in range(32)]
    started = time.process_time()
    for wire in wires * 10:
        _decode.decode("traces", wire)
    return (time.process_time() - started) / (320 * BATCH)


PEERS: dict[str, Callable[[], float]] = {
    "the whole gateway, HTTP to committed": _gateway,
    "step: store alone (decode, block, insert), in groups of 32 requests": _store,
    "step: decode alone": _decode_alone,
}
