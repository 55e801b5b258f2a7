"""The hook, with a stand-in for uWSGI's module; tests/interop/test_uwsgi.py has the real one."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from types import ModuleType

import pytest

from tollspan.sdk.events import Events
from tollspan.sdk.uwsgi import watch_uwsgi

FORK = """
    import ctypes, os, sys
    from types import ModuleType
    from tollspan.sdk.events import Events
    from tollspan.sdk.uwsgi import watch_uwsgi

    uwsgi = sys.modules["uwsgi"] = ModuleType("uwsgi")
    uwsgi.opt = {{"threads": b"2"}}
    uwsgi.post_fork_hook = lambda: print("theirs", flush=True)
    begin_again = lambda: print("begin again", flush=True)
    os.register_at_fork(after_in_child=begin_again)
    watch_uwsgi(begin_again, Events())
    if {fork}() == 0:
        uwsgi.post_fork_hook()
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("fork", ["ctypes.PyDLL(None).fork", "os.fork"])
def test_whoever_forks_the_child_begins_again_once_and_then_does_what_was_set(fork: str) -> None:
    program = textwrap.dedent(FORK.format(fork=fork))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout.splitlines(), done.stderr) == (["begin again", "theirs"], "")


@pytest.mark.parametrize(
    ("options", "notices"), [({}, 1), ({"enable-threads": True}, 0), ({"threads": b"2"}, 0)]
)
def test_a_notice_says_that_threads_do_not_run(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], notices: int
) -> None:
    uwsgi = ModuleType("uwsgi")
    monkeypatch.setattr(uwsgi, "opt", options, raising=False)
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    events = Events()
    watch_uwsgi(print, events)
    assert events.counts["uwsgi_without_threads"] == notices


def test_without_uwsgi_nothing_happens() -> None:
    events = Events()
    watch_uwsgi(print, events)
    assert not events.counts
