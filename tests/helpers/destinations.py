"""A destination for tests of senders: it remembers what it got, and fails as it is told."""

import asyncio

from tollspan.collector.component import Receipt


class Landing:
    """Keeps every batch; `faults` are raised first, one for each attempt, then `answer` is given."""

    def __init__(self, *faults, answer=None):
        self.batches = []
        self.attempts = 0
        self.faults = list(faults)
        self.answer = answer or Receipt()
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrival = asyncio.Condition()

    async def start(self, host):
        self.host = host

    async def shutdown(self):
        self.stopped = True

    async def send(self, batch):
        self.attempts += 1
        async with self.arrival:
            self.arrival.notify_all()
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        self.batches.append(batch)
        async with self.arrival:
            self.arrival.notify_all()
        return self.answer

    async def wait_until(self, holds):
        """`holds()` is true of what has arrived."""
        async with asyncio.timeout(10), self.arrival:
            await self.arrival.wait_for(holds)

    @property
    def items(self):
        return sum(batch.items for batch in self.batches)
