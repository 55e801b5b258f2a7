"""The tasks that answer the calls of one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from tollspan.collector.grpc_call import CANCELLED, DEADLINE_EXCEEDED, INTERNAL, Call, Method, Reply

IDLE_MAX = 16
"""So many wait for the next calls: making and registering a task costs a fifth of what a small call does."""

_log = structlog.get_logger()

_Work = tuple[int, Call, Method]


class CallTasks:
    """Runs methods side by side; `on_reply` gets each reply, with the number of its stream."""

    def __init__(self, on_reply: Callable[[int, Reply], None]) -> None:
        self._on_reply = on_reply
        self._loop = asyncio.get_running_loop()
        self._idle: list[tuple[asyncio.Task[None], asyncio.Future[_Work]]] = []
        self._closed = False

    def start(self, stream_id: int, call: Call, method: Method) -> asyncio.Task[None]:
        """The task in which the method runs; from the reply on it is not this call's any more."""
        if not self._idle:
            return self._loop.create_task(self._run((stream_id, call, method)))
        task, given = self._idle.pop()
        given.set_result((stream_id, call, method))
        return task

    def close(self) -> None:
        """No task waits for another call."""
        self._closed = True
        for task, _ in self._idle:
            task.cancel()
        self._idle.clear()

    async def _run(self, work: _Work) -> None:
        task = asyncio.current_task()
        assert task is not None
        while True:
            stream_id, call, method = work
            self._on_reply(stream_id, await _answer(call, method))
            if self._closed or len(self._idle) >= IDLE_MAX:
                return
            given: asyncio.Future[_Work] = self._loop.create_future()
            self._idle.append((task, given))
            work = await given


async def _answer(call: Call, method: Method) -> Reply:
    """The method's reply, or the status of a call that was cancelled, took too long or met a defect."""
    try:
        if call.head.timeout_s is None:
            return await method(call)
        async with asyncio.timeout(call.head.timeout_s):
            return await method(call)
    except TimeoutError:
        return Reply(code=DEADLINE_EXCEEDED, message="the call's time is over")
    except asyncio.CancelledError:
        return Reply(code=CANCELLED, message="the call was cut short")
    except Exception:
        _log.exception("grpc_method_defect", method=call.head.path)
        return Reply(code=INTERNAL, message="internal error")
