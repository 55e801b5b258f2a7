"""uWSGI as published, with a worker that it forks after the application was loaded.

One, as uWSGI forgets to end a worker that is still starting.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from helpers.otlp_peer import running_peer
from helpers.ports import free_port
from helpers.wheels import installed

APP = """
import logging
import tollspan
from opentelemetry import metrics, trace

tollspan.init("prefork", instrument=False, export_interval_s=3600)
jobs = metrics.get_meter("tests").create_counter("jobs")

def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    trace.get_tracer("tests").start_span(name).end()
    jobs.add(1, {"job": name})
    logging.getLogger("tests").warning(name)
    start_response("200 OK", [])
    return [b"done"]
"""


@pytest.mark.timeout(300)  # It is compiled, once.
@pytest.mark.parametrize(
    "options",
    [["--enable-threads"], ["--threads=2"], ["--enable-threads", "--py-call-osafterfork"], []],
    ids=" ".join,
)
def test_the_worker_delivers_all_signals_once(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    command = [
        *(installed("uwsgi==2.0.31") / "bin" / "uwsgi", "--home", sys.prefix, "--module=app:app", "--master"),
        *("--processes=1", f"--http-socket=127.0.0.1:{port}", "--die-on-term", *options),
    ]
    names = [f"request-{number}" for number in range(8)]
    with running_peer() as peer, (tmp_path / "log").open("w") as log:
        environ = {"TOLLSPAN_ENDPOINT": peer.url, "PATH": os.environ["PATH"]}
        server = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=log, stderr=log)
        try:
            for name in names:
                answer_of(f"http://127.0.0.1:{port}/{name}", server)
            # A worker that is busy, be it with the last line of its log, ends without exit handlers.
            while (tmp_path / "log").read_text().count("GET /") < len(names):
                time.sleep(0.01)
        finally:
            server.terminate()
            server.wait(60)
        points = [point for metric in peer.measured["jobs"] for point in metric.sum.data_points]
        counted = {point.attributes[0].value.string_value: point.as_int for point in points}
        once = dict.fromkeys(names, 1)
        assert (peer.stored, peer.logged, counted) == (once, once, once)
    assert ("gives background threads no time" in (tmp_path / "log").read_text()) == (not options)


def answer_of(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return when it answered, which it does once it has started."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except OSError:
            assert server.poll() is None, "it ended by itself"
