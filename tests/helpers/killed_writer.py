"""Writes requests to a store until it is killed: `killed_writer.py PATH FIRST COUNT [RESENT ...]`.

Each request has a number and stands for one trace, whose first span calls the second. "sent N" is
written before it is offered and "stored N" when it is acknowledged. RESENT are offered again first.
"""

import asyncio
import sys
from pathlib import Path

from helpers.spans import batch, span
from helpers.stores import open_store

SENDERS = 8
SPANS = 5
SERVER, CLIENT = 2, 3


def trace_id(number):
    return (number + 1).to_bytes(16, "big")


def numbered_batch(number):
    """The same bytes for the same number, in every process."""
    ids = [(number * SPANS + step + 1).to_bytes(8, "big") for step in range(SPANS)]
    made = [span(trace_id=trace_id(number), span_id=own, attributes={"step": "x"}) for own in ids]
    made[0].kind, made[1].kind, made[1].parent_span_id = CLIENT, SERVER, ids[0]
    return batch(*made)


def report(what, number):
    sys.stdout.write(f"{what} {number}\n")
    sys.stdout.flush()


async def send(store, numbers):
    for number in numbers:
        report("sent", number)
        await store.write(numbered_batch(number))
        report("stored", number)


async def main(path, first, count, resent):
    async with open_store(Path(path)) as store:
        numbers = iter([*resent, *range(first, first + count)])
        await asyncio.gather(*(send(store, numbers) for _ in range(SENDERS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), list(map(int, sys.argv[4:]))))
