import asyncio

import pytest

from tollspan.collector import call_tasks
from tollspan.collector.call_tasks import CallTasks
from tollspan.collector.grpc_call import CANCELLED, DEADLINE_EXCEEDED, INTERNAL, Call, Limits, Reply
from tollspan.collector.grpc_head import CallHead


class Conversation:
    """Calls that are started, and their replies as they come; in `async with`."""

    async def __aenter__(self):
        self._replies = asyncio.Queue()
        self.tasks = CallTasks(lambda stream_id, reply: self._replies.put_nowait((stream_id, reply)))
        return self

    async def __aexit__(self, *_):
        self.tasks.close()

    def start(self, method, *, timeout_s=None, number=1):
        call = Call(CallHead("/", {}, "identity", timeout_s), Limits(), lambda size: None)
        return self.tasks.start(number, call, method)

    async def reply(self):
        """The number of the next call that ends, and its reply."""
        return await self._replies.get()


async def hello(call):
    await asyncio.sleep(0)
    return Reply(b"hello")


async def for_ever(call):
    await asyncio.Event().wait()


async def defective(call):
    raise ZeroDivisionError


async def test_calls_side_by_side_have_their_own_tasks_which_later_calls_use_again():
    async with Conversation() as talk:
        tasks = {talk.start(hello, number=1), talk.start(hello, number=3)}
        assert len(tasks) == 2
        assert [await talk.reply(), await talk.reply()] == [(1, Reply(b"hello")), (3, Reply(b"hello"))]
        assert talk.start(hello, number=5) in tasks
        assert await talk.reply() == (5, Reply(b"hello"))


async def test_so_many_tasks_wait_and_no_more(monkeypatch):
    monkeypatch.setattr(call_tasks, "IDLE_MAX", 2)
    async with Conversation() as talk:
        tasks = [talk.start(hello, number=number) for number in range(5)]
        for _ in tasks:
            await talk.reply()
        done, waiting = await asyncio.wait(tasks, timeout=0)
        assert (len(done), len(waiting)) == (3, 2)
    await asyncio.wait(waiting)


async def test_a_task_whose_call_ends_after_the_close_ends_too():
    async with Conversation() as talk:
        task = talk.start(hello)
    await task
    assert await talk.reply() == (1, Reply(b"hello"))


@pytest.mark.parametrize(
    ("method", "timeout_s", "code"), [(for_ever, 0.01, DEADLINE_EXCEEDED), (defective, None, INTERNAL)]
)
async def test_a_call_that_has_no_reply_gets_a_status(method, timeout_s, code):
    async with Conversation() as talk:
        talk.start(method, timeout_s=timeout_s)
        assert (await talk.reply())[1].code == code


async def test_a_call_that_was_cancelled_leaves_its_task_fit_for_others():
    async with Conversation() as talk:
        task = talk.start(for_ever)
        await asyncio.sleep(0)
        task.cancel()
        assert (await talk.reply())[1].code == CANCELLED
        assert talk.start(for_ever, timeout_s=0.01) is task
        assert (await talk.reply())[1].code == DEADLINE_EXCEEDED
        assert talk.start(hello) is task
        assert (await talk.reply())[1] == Reply(b"hello")
