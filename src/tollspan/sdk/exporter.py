"""The thread that delivers: it starts with the first item, sleeps between steps and ends in time."""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tollspan.sdk.delivery import RETRY_MAX_S, Delivery, Sender
from tollspan.sdk.events import Events
from tollspan.sdk.export_queue import Tally
from tollspan.sdk.settings import Settings

T = TypeVar("T")

FIRST_EXPORT_S = 0.1
"""The first spans of a program are seen sooner than the export interval says."""


@dataclass(frozen=True, slots=True)
class FlushResult:
    """What became of the items that waited when a flush or a shutdown began.

    `sent` arrived, `dropped` were lost or rejected, `pending` still wait, in memory or in the
    spool; `ok` says that all arrived.
    """

    ok: bool
    sent: int
    dropped: int
    pending: int


class Exporter(Generic[T]):
    """Delivers items of one signal from any thread by a daemon thread of its own."""

    def __init__(self, delivery: Delivery[T], events: Events) -> None:
        self._delivery = delivery
        self._queue = delivery.queue
        self._events = events
        self._thread: threading.Thread | None = None
        self._begin()
        _exporters.add(self)

    def redirect(self, sender: Sender, settings: Settings) -> None:
        """From the next attempt on all goes through `sender`, also what waits already."""
        self._delivery.sender = sender
        self._delivery.settings = settings
        self._queue.items_max = settings.queue_items_max
        self._queue.bytes_max = settings.queue_bytes_max

    def put(self, item: T) -> None:
        """Accept an item for delivery; waits for nothing but a lock held for microseconds."""
        self._in_this_process()
        waiting = self._queue.put(item)
        if self._thread is None and waiting:
            self.start()
        if waiting == self._delivery.settings.batch_items_max:
            self._wake()

    def start(self) -> None:
        """The thread runs; the first item starts it otherwise."""
        with self._queue.lock:
            if self._thread is not None:
                return
            self._delivery.tick_in(FIRST_EXPORT_S)
            thread = threading.Thread(target=self._run, name="tollspan-export", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # There can be no more threads at present; the next item tries again.
            self._thread = thread

    def flush(self, timeout_s: float) -> FlushResult:
        """Try at once, for up to `timeout_s`, to deliver all that waits now."""
        before = self.tally()
        return self.await_settled(before, self.hurry(), timeout_s)

    def hurry(self) -> int:
        """All that waits now is tried at once; return how many items will be settled then."""
        self._in_this_process()
        with self._queue.lock:
            tally = self._queue.tally()
            target = tally.settled + tally.pending
            self._delivery.hurry(target)
            self._wake()
            return target

    def await_settled(self, before: Tally, target: int, timeout_s: float) -> FlushResult:
        """What became since `before` of `target` items, after `timeout_s` at the latest."""
        with self._queue.lock:
            self._queue.settled.wait_for(lambda: self._queue.tally().settled >= target, timeout_s)
            return _result(before, self._queue.tally(), target)

    def shutdown(self, timeout_s: float) -> FlushResult:
        """Make one more attempt for all that waits; what is left after `timeout_s` is dropped: `shutdown`."""
        before = self.tally()
        self.finish(timeout_s)
        return self.end(before, timeout_s)

    def finish(self, timeout_s: float) -> None:
        """The last attempts begin, which may take `timeout_s`."""
        self._in_this_process()
        self._delivery.finish(timeout_s)
        self._wake()

    def end(self, before: Tally, timeout_s: float) -> FlushResult:
        """What became since `before` of everything, now that the last attempts are over, or time is up."""
        if self.closed:
            return FlushResult(True, 0, 0, 0)
        if self._thread is None:
            self._run_out()
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        self._delivery.end()
        self._delivery.sender.close()
        return _result(before, self._queue.tally(), 0)

    @property
    def closed(self) -> bool:
        """Whether it was shut down."""
        return self._queue.closed

    def tally(self) -> Tally:
        """What became of everything that was put in this process."""
        self._in_this_process()
        return self._queue.tally()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._thread = None
        self._work = threading.Condition(self._queue.lock)
        self._woken = False

    def _run(self) -> None:
        while True:
            try:
                wait_s = self._delivery.step()
            except Exception as error:
                # A bug of ours must neither end the export nor lose what it was about.
                self._queue.put_back()
                self._events.bug("the export", error)
                wait_s = RETRY_MAX_S
            if wait_s is None:
                return
            with self._work:
                if not self._woken:
                    self._work.wait(wait_s)
                self._woken = False

    def _run_out(self) -> None:
        """Do what a thread would have done, as at the end of the interpreter none can start any more."""
        try:
            while self._delivery.step() is not None:
                pass
        except Exception as error:
            self._events.bug("the last export", error)

    def _wake(self) -> None:
        with self._work:
            self._woken = True
            self._work.notify()

    def _in_this_process(self) -> None:
        """Notice a fork that ran no hooks, as uWSGI's may."""
        if self._pid != os.getpid():
            self.after_fork()

    def after_fork(self) -> None:
        """The parent delivers what it had; this process has a queue, a thread and connections of its own."""
        self._queue.clear()
        self._delivery.begin()
        self._delivery.sender.close()
        self._begin()


def _result(before: Tally, after: Tally, target: int) -> FlushResult:
    sent = after.sent - before.sent
    spooled = after.spooled - before.spooled
    dropped = after.settled - before.settled - sent - spooled
    pending = max(0, target - after.settled) + spooled
    return FlushResult(not dropped and not pending, sent, dropped, pending)


_exporters: weakref.WeakSet[Exporter[Any]] = weakref.WeakSet()


def _after_fork() -> None:
    for exporter in list(_exporters):
        exporter.after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork.
    os.register_at_fork(after_in_child=_after_fork)
