import asyncio
import threading

import pytest

from tollspan.errors import StoreError
from tollspan.gateway.authserver import changes
from tollspan.gateway.authserver.changes import ChangeWatch
from tollspan.gateway.authserver.credential import CredentialDraft


class Numbers:
    """A stand-in for the database, which only counts."""

    def __init__(self):
        self.number, self.asked, self.gate = 0, 0, threading.Event()
        self.gate.set()

    def change_number(self):
        self.gate.wait(30)
        self.asked += 1
        if self.number is None:
            raise StoreError("away")
        return self.number


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(changes, "WATCH_INTERVAL_S", 0.0)


async def test_everyone_is_told_after_a_change_and_nobody_without(identity, impatient):
    told = []
    identity.watch.on_change(lambda: told.append("one"))
    identity.watch.on_change(lambda: told.append("two"))
    await identity.watch.look()
    told.clear()
    await identity.watch.look()
    assert told == []
    identity.credentials.create(CredentialDraft("n", ("write:traces",)))
    await identity.watch.look()

    assert told == ["one", "two"]


async def test_within_the_interval_nobody_asks_again():
    numbers = Numbers()
    watch = ChangeWatch(numbers)
    for _ in range(100):
        await watch.look()

    assert numbers.asked == 1


def test_a_thread_may_look_for_itself(identity, impatient):
    told = []
    identity.watch.on_change(lambda: told.append(1))
    identity.watch.look_here()

    assert told == [1]


async def test_one_look_serves_all_who_wait_even_when_the_first_gives_up(impatient):
    numbers = Numbers()
    numbers.gate.clear()
    watch = ChangeWatch(numbers)
    waiting = [asyncio.ensure_future(watch.look()) for _ in range(10)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    numbers.gate.set()
    await asyncio.gather(*waiting[1:])

    assert numbers.asked == 1


async def test_a_failed_look_is_everyones_error_and_the_next_one_tries_again():
    numbers = Numbers()
    numbers.number = None
    watch = ChangeWatch(numbers)
    with pytest.raises(StoreError):
        await watch.look()
    numbers.number = 1
    await watch.look()

    assert numbers.asked == 2
