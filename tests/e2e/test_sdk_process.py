"""Whole programs under the SDK: however they end and fork, each item arrives once or is accounted for."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.otlp_peer import TAKEN, OTLPPeer, running_peer
from helpers.ports import free_port

WORK = """
    import json, logging, os, signal, sys, time
    import tollspan
    from opentelemetry import metrics, trace

    def work(name):
        trace.get_tracer("tests").start_span(name).end()
        metrics.get_meter("tests").create_counter("jobs").add(1, {"job": name})
        logging.getLogger("tests").warning(name)
"""


@pytest.fixture
def peer() -> Iterator[OTLPPeer]:
    with running_peer() as peer:
        yield peer


def _start(source: str, url: str, **environ: str) -> subprocess.Popen[str]:
    program = textwrap.dedent(WORK) + textwrap.dedent(source)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TOLLSPAN_"))}
    settings = {
        "TOLLSPAN_ENDPOINT": url,
        "TOLLSPAN_EXPORT_INTERVAL_S": "3600",
        "TOLLSPAN_INSTRUMENT": "false",
    }
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**clean, **settings, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(source: str, url: str, **environ: str) -> tuple[str, str]:
    """What the program wrote to its output and its errors; it must end well."""
    program = _start(source, url, **environ)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    return out, err


def _jobs(peer: OTLPPeer) -> dict[str, int]:
    """What each job adds up to over all processes, as a backend sees it that takes the last total of each."""
    last: dict[tuple[str, str], int] = {}
    for export in peer.metric_exports:
        for resource in export.request.resource_metrics:
            attributes = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for metric in resource.scope_metrics[0].metrics:
                for point in metric.sum.data_points:
                    last[attributes["service.instance.id"], point.attributes[0].value.string_value] = (
                        point.as_int
                    )
    totals: Counter[str] = Counter()
    for (_, job), count in last.items():
        totals[job] += count
    return dict(totals)


def _assert_arrived_once(peer: OTLPPeer, *names: str) -> None:
    expected = dict.fromkeys(names, 1)
    assert (peer.stored, peer.logged, _jobs(peer)) == (expected, expected, expected)


def test_a_program_that_just_ends_has_delivered_all_signals(peer: OTLPPeer) -> None:
    _run("tollspan.init()\nwork('a')\nwork('b')", peer.url)
    _assert_arrived_once(peer, "a", "b")


@pytest.mark.parametrize(
    "end", ["raise SystemExit(0)", "sys.exit()", "import threading; threading.Timer(0, work, ['b']).start()"]
)
def test_other_ways_to_end_lose_nothing_either(peer: OTLPPeer, end: str) -> None:
    _run(f"tollspan.init()\nwork('a')\n{end}", peer.url)
    assert peer.stored["a"] == peer.logged["a"] == 1


def test_what_is_made_at_the_very_end_is_delivered_too(peer: OTLPPeer) -> None:
    _run("import atexit\ntollspan.init()\natexit.register(work, 'late')", peer.url)
    _assert_arrived_once(peer, "late")


FULL = """
    handle = tollspan.init("exits")
    tracer, log = trace.get_tracer("tests"), logging.getLogger("tests")
    for index in range(5000):
        tracer.start_span("span").end()
        log.warning("log")
    work("last")
    started_s = time.monotonic()

    def report():
        lost = {name: signal.dropped for name, signal in handle.status().signals.items()}
        print(json.dumps([time.monotonic() - started_s, lost, handle.status().queued]))

    # Registered before those of init would run after them: exit handlers run in reverse.
    import atexit
    atexit.unregister(handle.shutdown)
    atexit.register(report)
    atexit.register(handle.shutdown)
"""


@pytest.mark.parametrize("dead", ["silent", "refusing"])
def test_with_a_dead_destination_a_full_queue_costs_one_deadline_and_is_accounted_for(
    peer: OTLPPeer, dead: str
) -> None:
    peer.always = peer.hang
    url = peer.url if dead == "silent" else f"http://127.0.0.1:{free_port()}"
    out, err = _run(FULL, url, TOLLSPAN_QUEUE_ITEMS_MAX="3000", TOLLSPAN_SHUTDOWN_TIMEOUT_S="0.5")
    _, lost, queued = json.loads(out)
    assert {name: sum(dropped.values()) for name, dropped in lost.items()} == {
        "traces": 5001,
        "metrics": 1,
        "logs": 5001,
    }
    assert queued == 0
    assert "spans lost (shutdown)" in err


def test_sigterm_delivers_and_then_ends_the_program(peer: OTLPPeer) -> None:
    program = _start("tollspan.init()\nwork('a')\nprint('ready', flush=True)\ntime.sleep(60)", peer.url)
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    program.send_signal(signal.SIGTERM)
    program.communicate(timeout=60)
    assert program.returncode == -signal.SIGTERM
    _assert_arrived_once(peer, "a")


def test_sigterm_in_an_asyncio_program_delivers_too(peer: OTLPPeer) -> None:
    program = _start(
        """
        import asyncio
        async def main():
            with tollspan.unit("acme"):
                await asyncio.gather(*(asyncio.to_thread(work, name) for name in "ab"))
            print('ready', flush=True)
            await asyncio.sleep(60)
        tollspan.init()
        asyncio.run(main())
        """,
        peer.url,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    program.send_signal(signal.SIGTERM)
    program.communicate(timeout=60)
    _assert_arrived_once(peer, "a", "b")
    units = [
        pair.value.string_value
        for export in peer.exports
        for span in export.spans
        for pair in span.attributes
    ]
    assert units == ["acme", "acme"]


def test_os_exit_is_seen_by_no_hook_but_flush_works_before_it(peer: OTLPPeer) -> None:
    _run("tollspan.init()\nwork('a')\nassert tollspan.flush().ok\nwork('lost')\nos._exit(0)", peer.url)
    _assert_arrived_once(peer, "a")


def test_fork_in_the_middle_of_a_batch_neither_loses_nor_doubles(peer: OTLPPeer) -> None:
    _run(
        """
        tollspan.init()
        work("before")
        pids = []
        for name in "ab":
            pid = os.fork()
            if pid == 0:
                work(name)
                sys.exit()
            pids.append(pid)
        work("after")
        assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
        """,
        peer.url,
    )
    _assert_arrived_once(peer, "before", "a", "b", "after")


def test_after_init_nothing_is_imported_because_a_fork_meanwhile_would_leave_the_child_a_held_lock(
    peer: OTLPPeer,
) -> None:
    out, _ = _run(
        """
        tollspan.init()
        before = set(sys.modules)
        work("a")
        with tollspan.unit("acme"), tollspan.span("b") as span:
            tollspan.set_unit("globex")
            tollspan.log("info", "b")
            tollspan.metric("jobs", 1, attributes={"job": "b"}, kind="counter")
            tollspan.cost("0.01", category="llm")
            tollspan.capture_error(ValueError("c"))
            tollspan.extract(tollspan.inject({}))
        assert tollspan.flush().ok
        print(sorted(set(sys.modules) - before))
        """,
        peer.url,
        TOLLSPAN_CLIENT_ID="shop",
        TOLLSPAN_CLIENT_SECRET="hunter2",
    )
    assert out == "[]\n"
    assert peer.stored == {"a": 1, "b": 1}


def test_the_workers_of_multiprocessing_deliver_before_they_end(peer: OTLPPeer) -> None:
    _run(
        """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        context = multiprocessing.get_context("fork")
        tollspan.init()
        work("before")
        child = context.Process(target=work, args=("process",))
        child.start()
        child.join()
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            list(executor.map(work, ["executor-1", "executor-2"]))
        pool = context.Pool(2)
        pool.map(work, ["pool-1", "pool-2"])
        pool.close()
        pool.join()
        with context.Pool(1) as terminated:
            terminated.map(work, ["terminated"])
        """,
        peer.url,
    )
    _assert_arrived_once(
        peer, "before", "process", "executor-1", "executor-2", "pool-1", "pool-2", "terminated"
    )


def test_greenlets_deliver_like_threads(peer: OTLPPeer) -> None:
    pytest.importorskip("gevent")
    _run(
        """
        from gevent import monkey
        monkey.patch_all()
        import gevent
        handle = tollspan.init()
        gevent.joinall([gevent.spawn(work, name) for name in "abc"])
        assert handle.flush(20).ok, handle.status()
        work("d")
        """,
        peer.url,
        GEVENT_SUPPORT="True",
    )
    _assert_arrived_once(peer, "a", "b", "c", "d")


GUNICORN_APP = """
import logging

import tollspan
from opentelemetry import metrics, trace

tollspan.init("prefork")


def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    trace.get_tracer("tests").start_span(name).end()
    metrics.get_meter("tests").create_counter("jobs").add(1, {"job": name})
    logging.getLogger("tests").warning(name)
    start_response("200 OK", [])
    return [b"done"]
"""


def _get(url: str) -> None:
    deadline_s = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except OSError:
            assert time.monotonic() < deadline_s


@pytest.mark.parametrize("options", [["--preload"], [], ["--worker-class=gevent"]], ids=" ".join)
def test_gunicorn_workers_deliver_before_they_end(peer: OTLPPeer, tmp_path: Path, options: list[str]) -> None:
    pytest.importorskip("gunicorn")
    (tmp_path / "app.py").write_text(GUNICORN_APP)
    port = free_port()
    environ = {
        "TOLLSPAN_ENDPOINT": peer.url,
        "TOLLSPAN_EXPORT_INTERVAL_S": "3600",
        "PATH": os.environ["PATH"],
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--workers=2", f"--bind=127.0.0.1:{port}", *options, "app:app"],
        cwd=tmp_path,
        env={**environ, "TOLLSPAN_INSTRUMENT": "false"},
        stderr=subprocess.DEVNULL,
    )
    names = [f"request-{number}" for number in range(8)]
    try:
        for name in names:
            _get(f"http://127.0.0.1:{port}/{name}")
    finally:
        server.terminate()
        assert server.wait(60) == 0
    _assert_arrived_once(peer, *names)


CELERY_APP = """
import logging
import sys

import celery
import tollspan
from opentelemetry import metrics, trace

folder = sys.path[0]
tollspan.init("prefork")
paths = {"data_folder_in": "queue", "data_folder_out": "queue", "processed_folder": "queue"}
app = celery.Celery("tasks", broker="filesystem://", broker_transport_options=paths)
app.conf.worker_hijack_root_logger = app.conf.worker_redirect_stdouts = False


@app.task
def job(name):
    trace.get_tracer("tests").start_span(name).end()
    metrics.get_meter("tests").create_counter("jobs").add(1, {"job": name})
    logging.getLogger("tests").warning(name)
    open(name, "w").close()
"""


def test_celery_prefork_workers_deliver_before_they_end(peer: OTLPPeer, tmp_path: Path) -> None:
    pytest.importorskip("celery")
    (tmp_path / "queue").mkdir()
    (tmp_path / "tasks.py").write_text(CELERY_APP)
    names = [f"job-{number}" for number in range(4)]
    environ = {"TOLLSPAN_INSTRUMENT": "false", "PATH": os.environ["PATH"]}
    send = "import tasks\nfor number in range(4): tasks.job.delay(f'job-{number}')"
    subprocess.run(
        [sys.executable, "-c", send],
        cwd=tmp_path,
        env={**environ, "OTEL_METRICS_EXPORTER": "none"},
        check=True,
        capture_output=True,
        timeout=60,
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool=prefork", "--concurrency=2"],
        cwd=tmp_path,
        env={**environ, "TOLLSPAN_ENDPOINT": peer.url, "TOLLSPAN_EXPORT_INTERVAL_S": "3600"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline_s = time.monotonic() + 30
        while not all((tmp_path / name).exists() for name in names):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
    finally:
        worker.terminate()
        worker.wait(60)
    assert peer.stored == dict.fromkeys(names, 1)
    assert {name: peer.logged[name] for name in names} == dict.fromkeys(names, 1)
    assert _jobs(peer) == dict.fromkeys(names, 1)


def test_what_the_spool_keeps_is_sent_by_the_next_start_with_a_token_of_its_own(
    peer: OTLPPeer, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    environ = {
        "TOLLSPAN_SPOOL": str(folder),
        "TOLLSPAN_SHUTDOWN_TIMEOUT_S": "0.3",
        "TOLLSPAN_CLIENT_ID": "shop",
        "TOLLSPAN_CLIENT_SECRET": "hunter2-do-not-show",
    }
    peer.token_lifetime_s = 3600
    peer.always = peer.hang
    _, err = _run("tollspan.init()\nwork('a')\nwork('b')", peer.url, **environ)
    assert "lost" not in err
    files = sorted(folder.iterdir())
    assert len(files) == 3
    for file in files:
        assert b"hunter2" not in file.read_bytes() + gzip.decompress(file.read_bytes())
        assert b"access-token" not in gzip.decompress(file.read_bytes())
    peer.always = TAKEN
    waiting = "tollspan.init()\nwhile os.listdir(os.environ['TOLLSPAN_SPOOL']): time.sleep(0.01)"
    both = [_start(waiting, peer.url, **environ) for _ in range(2)]
    for program in both:
        _, err = program.communicate(timeout=60)
        assert program.returncode == 0, err
    _assert_arrived_once(peer, "a", "b")
