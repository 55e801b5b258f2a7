"""Outages of minutes and hours, in virtual time; test_sender.py has the rest."""

import asyncio

import pytest

from helpers.destinations import Landing
from helpers.pipelines import trace_batch
from helpers.service import StandInHost
from helpers.virtual_time import run
from tollspan.collector.queue_store import MemoryStore
from tollspan.collector.sender import Sender
from tollspan.collector.sender_config import QueueConfig, RetryConfig, SenderConfig
from tollspan.errors import InvalidTokenError, RetryableError, TokenRequestError

MINUTE_S = 60.0
DOWN = RetryableError("HTTP 503")
ON_DISK = QueueConfig(storage="file_storage")
NO_TOKEN = TokenRequestError("no answer", "unreachable")


class Outage(Landing):
    """Fails with `error` until `ends_s` seconds after the first attempt."""

    def __init__(self, error, ends_s):
        super().__init__()
        self._error = error
        self._ends_s = ends_s
        self._until_s = None

    async def send(self, batch):
        now_s = asyncio.get_running_loop().time()
        self._until_s = self._until_s or now_s + self._ends_s
        self.faults = [self._error] if now_s < self._until_s else []
        return await super().send(batch)


class Storage:
    """Stands in for `file_storage`: its threads would know nothing of virtual time."""

    async def start(self, host):
        pass

    async def shutdown(self):
        pass

    async def open_queue(self, name):
        return MemoryStore()


async def deliver(landing, **config):
    """How many of three spans were sent, and how many given up, after some hours."""
    sender, host = Sender(SenderConfig(**config), landing), StandInHost(file_storage=Storage())
    await sender.start(host)
    await sender.consume(trace_batch(3))
    await asyncio.sleep(180 * MINUTE_S)
    counts = [host.counters.total(f"otelcol_exporter_{what}_spans") for what in ("sent", "send_failed")]
    await sender.shutdown()
    return counts


@pytest.mark.parametrize("error", [NO_TOKEN, InvalidTokenError("HTTP 401")])
@pytest.mark.parametrize("minutes", [10, 100])
def test_an_outage_of_authentication_loses_nothing_however_long(error, minutes):
    assert run(lambda: deliver(Outage(error, minutes * MINUTE_S))) == [3, 0]


def test_a_token_endpoint_that_asks_for_more_patience_than_the_retries_have_loses_nothing():
    error = TokenRequestError("HTTP 503", "unavailable", after_s=20 * MINUTE_S)
    assert run(lambda: deliver(Outage(error, 30 * MINUTE_S))) == [3, 0]


def test_in_memory_a_dead_destination_costs_the_batch_after_five_minutes():
    assert run(lambda: deliver(Outage(DOWN, 4 * MINUTE_S))) == [3, 0]
    assert run(lambda: deliver(Outage(DOWN, 10 * MINUTE_S))) == [0, 3]


def test_time_without_a_token_is_not_taken_from_the_time_that_the_destination_has():
    class Both(Outage):
        async def send(self, batch):
            self._error = NO_TOKEN if self.attempts < 30 else DOWN
            return await super().send(batch)

    assert run(lambda: deliver(Both(NO_TOKEN, 17 * MINUTE_S))) == [3, 0]


def test_on_disk_a_batch_stays_until_its_destination_is_back():
    assert run(lambda: deliver(Outage(DOWN, 100 * MINUTE_S), sending_queue=ON_DISK)) == [3, 0]


def test_on_disk_too_it_is_given_up_when_the_configuration_says_when():
    retry = RetryConfig(max_elapsed_s=5 * MINUTE_S)
    outage = Outage(DOWN, 10 * MINUTE_S)
    assert run(lambda: deliver(outage, sending_queue=ON_DISK, retry_on_failure=retry)) == [0, 3]
