"""Stores one hostile request: `hostile_writer.py PATH NAME` prints the answer's type and the peak in MiB."""

import asyncio
import sys
from pathlib import Path

from helpers.stores import open_store
from tollspan.otlp.batch import Batch
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.signals import Signal

BYTES = 64 << 20
IDS = field_bytes(1, b"t" * 16) + field_bytes(2, b"s" * 8)
POINT = b"\x19" + (5).to_bytes(8, "little")


def many(number, body=b"", bytes_max=BYTES):
    """The field so often that it fills `bytes_max`."""
    field = field_bytes(number, body)
    return field * (bytes_max // len(field))


def inside(items):
    """Items in one resource and one scope."""
    return field_bytes(1, field_bytes(2, items))


def distinct_attributes(count=3_000_000):
    keys = (b"%d" % number for number in range(count))
    return b"".join(field_bytes(9, field_bytes(1, key) + field_bytes(2, field_bytes(1, b""))) for key in keys)


REQUESTS = {
    "empty spans": (Signal.TRACES, lambda: inside(many(2))),
    "small spans": (Signal.TRACES, lambda: inside(many(2, IDS, 7 << 20))),
    "empty links": (Signal.TRACES, lambda: inside(field_bytes(2, IDS + many(13)))),
    "distinct keys": (Signal.TRACES, lambda: inside(field_bytes(2, IDS + distinct_attributes()))),
    "long logs": (Signal.LOGS, lambda: inside(many(2, field_bytes(5, field_bytes(1, b"x" * 1000))))),
    "small metrics": (
        Signal.METRICS,
        lambda: inside(many(2, field_bytes(5, field_bytes(1, POINT)), 3 << 20)),
    ),
}


def memory_mib(name):
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) >> 10


async def store_one(path, sent):
    async with open_store(path) as store:
        reset_peak()
        before = memory_mib("VmRSS")
        [answer] = await asyncio.gather(store.write(sent), return_exceptions=True)
    return type(answer).__name__, memory_mib("VmHWM") - before


def reset_peak():
    Path("/proc/self/clear_refs").write_text("5")


def main(path, name):
    signal, build = REQUESTS[name]
    answer, peak_mib = asyncio.run(store_one(Path(path), Batch(signal, build(), 1, "acme")))
    sys.stdout.write(f"{answer} {peak_mib}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
