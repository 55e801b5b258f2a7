import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.backlog import Backlog, Entry, Gathering, Limits
from tollspan.errors import LimitError, RetryableError
from tollspan.otlp.signals import Signal


def entry(items=1, tenant="acme", size_bytes=10):
    lane = (Signal.TRACES, tenant, "default")
    return Entry(lane, items, size_bytes, asyncio.get_running_loop().time())


async def put(backlog, *entries):
    for each in entries:
        await backlog.reserve(each)
        backlog.add(each)


async def drain(backlog):
    backlog.close(drain=True)
    groups = []
    while group := await backlog.take():
        groups.append(group)
    return groups


async def test_without_gathering_every_entry_is_a_group_and_tenants_take_turns():
    backlog = Backlog(Limits(10))
    entries = [entry(tenant="much"), entry(tenant="much"), entry(tenant="little")]
    await put(backlog, *entries)
    assert [await backlog.take() for _ in entries] == [[entries[0]], [entries[2]], [entries[1]]]


async def test_a_taker_that_waits_gets_what_comes():
    backlog = Backlog(Limits(10))
    taker = asyncio.create_task(backlog.take())
    await asyncio.sleep(0)
    one = entry()
    await put(backlog, one)
    assert await taker == [one]


async def test_the_turn_of_a_cancelled_taker_goes_to_the_next():
    backlog = Backlog(Limits(10))
    first, second = (asyncio.create_task(backlog.take()) for _ in range(2))
    await asyncio.sleep(0)
    one = entry()
    await put(backlog, one)
    first.cancel()
    assert await second == [one]


@pytest.mark.parametrize(("sizer", "size_max"), [("requests", 2), ("items", 10), ("bytes", 20)])
async def test_a_full_backlog_refuses_until_something_is_done_with(sizer, size_max):
    backlog = Backlog(Limits(size_max, sizer))
    await put(backlog, entry(5), entry(5))
    with pytest.raises(RetryableError, match="sending queue is full") as caught:
        await backlog.reserve(entry(5))
    assert caught.value.after_s > 0
    group = await backlog.take()
    with pytest.raises(RetryableError):
        await backlog.reserve(entry(5))
    backlog.release(group)
    await backlog.reserve(entry(5))


async def test_what_never_fits_is_refused_for_good():
    with pytest.raises(LimitError, match="items in the sending queue"):
        await Backlog(Limits(10, "items")).reserve(entry(11))


async def test_the_bound_in_bytes_lets_one_large_batch_through_alone():
    backlog = Backlog(Limits(100, bytes_max=15))
    await put(backlog, entry(size_bytes=50))
    with pytest.raises(RetryableError):
        await backlog.reserve(entry())


async def test_a_caller_who_may_wait_gets_the_room_when_there_is_some():
    backlog = Backlog(Limits(1, block=True))
    await put(backlog, entry())
    waiting = asyncio.create_task(put(backlog, entry()))
    await asyncio.sleep(0)
    assert not waiting.done()
    backlog.release(await backlog.take())
    await waiting


async def test_a_lane_is_due_when_it_has_enough():
    backlog = Backlog(Limits(100), Gathering(size_min=10, size_max=0, wait_s=60))
    taker = asyncio.create_task(backlog.take())
    entries = [entry(4), entry(4), entry(4), entry(4)]
    await put(backlog, *entries)
    assert await taker == entries[:3]


async def test_a_lane_is_due_when_its_oldest_has_waited_long_enough():
    backlog = Backlog(Limits(100), Gathering(size_min=10, size_max=0, wait_s=0.01))
    acme, bank = entry(tenant="acme"), entry(tenant="bank")
    await put(backlog, acme, bank)
    assert [await backlog.take(), await backlog.take()] == [[acme], [bank]]


async def test_a_lane_that_was_due_by_time_is_handed_out_once_although_it_grows():
    backlog = Backlog(Limits(100), Gathering(size_min=2, size_max=0, wait_s=0))
    one, two, three = entry(), entry(), entry()
    await put(backlog, one)
    await asyncio.sleep(0.01)
    await put(backlog, two, three)
    assert [await backlog.take(), await backlog.take()] == [[one, two], [three]]


async def test_closing_without_draining_leaves_the_entries_where_they_are():
    backlog = Backlog(Limits(100))
    one = entry()
    await put(backlog, one)
    backlog.close(drain=False)
    assert await backlog.take() == []
    assert list(backlog.entries()) == [one]


@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from("abc")), max_size=40),
    st.integers(0, 12),
    st.sampled_from([0, 12, 20]),
)
def test_gathering_keeps_every_entry_once_in_the_order_of_its_lane_and_within_its_size(
    shapes, size_min, size_max
):
    async def run():
        backlog = Backlog(Limits(1000), Gathering(size_min, size_max, wait_s=60))
        entries = [entry(items, tenant) for items, tenant in shapes]
        await put(backlog, *entries)
        groups = await drain(backlog)
        for tenant in "abc":
            mine = [e for group in groups for e in group if e.lane[1] == tenant]
            assert mine == [e for e in entries if e.lane[1] == tenant]
        assert all(len({e.lane for e in group}) == 1 for group in groups)
        assert not size_max or all(sum(e.items for e in group) <= size_max for group in groups)
        for group in groups:
            backlog.release(group)
        assert (backlog.size, backlog.items, backlog.bytes) == (0, 0, 0)

    asyncio.run(run())
