"""The hooks, in processes of their own: tests/e2e/test_sdk_process.py has whole programs."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

PREAMBLE = """
    import os, signal, sys, threading, time
    from tollspan.sdk.process import Process

    def end():
        print("end", os.getpid() == first, flush=True)

    def begin_again():
        print("begin again", flush=True)

    first = os.getpid()
    process = Process(end, begin_again)
"""


def _run(source: str) -> subprocess.CompletedProcess[str]:
    program = textwrap.dedent(PREAMBLE) + textwrap.dedent(source)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_end_of_the_interpreter_is_noticed_once() -> None:
    done = _run("process.watch()\nprocess.watch()")
    assert (done.returncode, done.stdout) == (0, "end True\n")


def test_a_child_begins_again_and_ends_like_its_parent() -> None:
    done = _run("""
        process.watch()
        if os.fork() == 0:
            sys.exit()
        os.wait()
    """)
    assert done.stdout.splitlines() == ["begin again", "end False", "end True"]


def test_a_child_of_multiprocessing_ends_before_it_exits_for_good() -> None:
    done = _run("""
        process.watch()
        import multiprocessing
        work = lambda: print("work", flush=True)
        for _ in range(2):
            child = multiprocessing.get_context("fork").Process(target=work)
            child.start()
            child.join()
    """)
    assert done.stdout.splitlines() == ["begin again", "work", "end False"] * 2 + ["end True"]


def test_sigterm_ends_and_then_does_what_it_did_before() -> None:
    done = _run("""
        process.watch_sigterm(None)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    """)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "end True\n")


def test_a_handler_of_the_application_is_left_alone_unless_asked_for() -> None:
    source = """
        done = threading.Event()

        def theirs(number, frame):
            print("theirs", number, flush=True)
            done.set()

        signal.signal(signal.SIGTERM, theirs)
        process.watch_sigterm({})
        process.watch_sigterm({})
        os.kill(os.getpid(), signal.SIGTERM)
        assert done.wait(20)
    """
    assert _run(source.format(None, None)).stdout == "theirs 15\n"
    assert _run(source.format(False, False)).stdout == "theirs 15\n"
    assert _run(source.format(True, True)).stdout == "end True\ntheirs 15\n"


def test_false_leaves_sigterm_alone_and_another_thread_cannot_watch_it() -> None:
    done = _run("""
        process.watch_sigterm(False)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        thread = threading.Thread(target=process.watch_sigterm, args=(None,))
        thread.start()
        thread.join()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    """)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_end_that_hangs_does_not_keep_the_process() -> None:
    done = _run("""
        process = Process(threading.Event().wait, begin_again)
        process.end_timeout_s = -0.4
        process.watch_sigterm(None)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    """)
    assert done.returncode == -signal.SIGTERM


def test_sigterm_while_the_main_thread_holds_what_the_end_needs_waits_for_it() -> None:
    done = _run("""
        lock = threading.Lock()

        def locked_end():
            with lock:
                end()

        process = Process(locked_end, begin_again)
        process.end_timeout_s = 40
        process.watch_sigterm(None)
        with lock:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
            print("let go", flush=True)
        time.sleep(60)
    """)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "let go\nend True\n")


def test_a_main_thread_that_blocks_just_as_the_end_is_over_is_ended_all_the_same() -> None:
    done = _run("""
        kill, sent = os.kill, []

        def lossy_kill(pid, number):
            # Stands for the kernel, which interrupts no system call that has yet to begin.
            sent.append(number)
            if len(sent) > 1:
                kill(pid, number)

        process.watch_sigterm(None)
        os.kill = lossy_kill
        kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    """)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "end True\n")
