"""The SDK and the life of its process: normal exit, SIGTERM, and forks.

What no hook can see is `os._exit` and SIGKILL: whatever waits then is lost, so a program
that ends that way calls `flush` before.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

SIGNAL_AGAIN_S = 0.05


class Process:
    """Calls `end` when the process ends, and `begin_again` in a forked child, before its code runs.

    `end` takes at most about `end_timeout_s` and may be called more than once.
    """

    def __init__(self, end: Callable[[], object], begin_again: Callable[[], object]) -> None:
        self.end_timeout_s = 2.0
        self._end = end
        self._begin_again = begin_again
        self._watching = False
        self._ending = self._ended = self._handed_on = False
        self._previous: Callable[[int, FrameType | None], object] | None = None
        self._watching_children = False

    def watch(self) -> None:
        """From now on the end of this process and the start of its children are noticed."""
        if self._watching:
            return
        self._watching = True
        atexit.register(self._end)
        if hasattr(os, "register_at_fork"):  # Windows has no fork.
            os.register_at_fork(after_in_child=self.after_fork)
        self._end_with_child_process()

    def watch_sigterm(self, before_others: bool | None) -> None:
        """SIGTERM calls `end` and then, once that is over, does what it did before.

        A handler that the application has set is left alone, as most end the process in the
        way that `watch` notices; unless `before_others` is true. False leaves SIGTERM alone.
        """
        if before_others is False or threading.current_thread() is not threading.main_thread():
            return
        current = signal.getsignal(signal.SIGTERM)
        if current == self._on_sigterm:
            return
        if current == signal.SIG_DFL:
            self._previous = None
        elif before_others and callable(current):
            self._previous = current
        else:
            return
        signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        """Comes twice: from outside, which starts the end, and from `_end_and_signal` once that is over.

        The main thread works on in between, because it may hold a lock that the end needs.
        """
        if self._ended:
            self._do_as_before(number, frame)
        elif not self._ending:
            self._ending = True
            try:
                waiting = threading.Thread(target=self._end_and_signal, args=(number,), daemon=True)
                waiting.start()
            except RuntimeError:  # The interpreter ends already, which calls `end` too.
                self._do_as_before(number, frame)

    def _end_and_signal(self, number: int) -> None:
        ending = threading.Thread(target=self._end, name="tollspan-end", daemon=True)
        try:
            ending.start()
            ending.join(self.end_timeout_s + 0.5)
        finally:
            self._ended = True
            # A signal that comes just before the main thread blocks does not wake it: Python runs no handler.
            while not self._handed_on:
                os.kill(os.getpid(), number)
                time.sleep(SIGNAL_AGAIN_S)

    def _do_as_before(self, number: int, frame: FrameType | None) -> None:
        self._handed_on = True
        if self._previous is not None:
            self._previous(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def after_fork(self) -> None:
        """This process is a child; called by Python's hook, or by whoever notices a fork without hooks."""
        self._ending = self._ended = self._handed_on = False
        self._begin_again()
        util = sys.modules.get("multiprocessing.util")
        if util is not None and not self._watching_children:
            self._watching_children = True
            # Runs next, once the finalizers of the parent have been cleared away.
            util.register_after_fork(self, Process._end_with_child_process)
        celery = sys.modules.get("celery.signals")
        if celery is not None:
            celery.worker_process_shutdown.connect(
                self._on_worker_shutdown, weak=False, dispatch_uid=__name__
            )

    def _end_with_child_process(self) -> None:
        """Children of multiprocessing end with `os._exit`, but run its finalizers before."""
        if (util := sys.modules.get("multiprocessing.util")) is not None:
            util.Finalize(None, self._end, exitpriority=100)

    def _on_worker_shutdown(self, **_: object) -> None:
        """Celery's prefork workers end with `os._exit`, but send a signal of Celery's before."""
        self._end()
