"""uWSGI runs Python's hooks for a fork, and background threads, only when it is told to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tollspan.sdk.events import Events


def watch_uwsgi(begin_again: Callable[[], object], events: Events) -> None:
    """Workers call `begin_again` where Python's hooks for forks do not run. Without threads, says so."""
    uwsgi = sys.modules.get("uwsgi")  # It exists in uWSGI only.
    if uwsgi is None:
        return
    if not uwsgi.opt.keys() & {"enable-threads", "threads"}:
        advice = "set enable-threads, or telemetry is sent only when a worker ends"
        events.notice("uwsgi_without_threads", f"uWSGI gives background threads no time ({advice})")
    uwsgi.post_fork_hook = _hook(begin_again, getattr(uwsgi, "post_fork_hook", None))  # type: ignore[attr-defined]


def _hook(begin_again: Callable[[], object], theirs: Callable[[], object] | None) -> Callable[[], None]:
    hooked = {os.getpid()}
    os.register_at_fork(after_in_child=lambda: hooked.add(os.getpid()))

    def after_fork() -> None:
        if os.getpid() not in hooked:
            begin_again()
        if theirs is not None:
            theirs()

    return after_fork
