"""`tollspan run`, as a user types it, with programs that know nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from helpers.otlp_peer import OTLPPeer
from helpers.scripts import scopes
from tollspan.errors import ConfigError
from tollspan.sdk.run.commands import STARTUP, environment, run

QUERY = "import sqlite3\nsqlite3.connect(':memory:').cursor().execute('select 1')\n"

SHOP = """
import flask
app = flask.Flask("shop")
app.get("/items/<number>")(lambda number: number)
"""

SERVERS = {
    "gunicorn": ["-m", "gunicorn", "--workers=2", "--bind=127.0.0.1:0", "shop:app"],
    "uvicorn": ["-m", "uvicorn", "--reload", "--port=0", "--interface=wsgi", "shop:app"],
}


def start(peer: OTLPPeer, folder: Path, *program: str, **options: object) -> subprocess.Popen[str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("TOLLSPAN_", "OTEL_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "tollspan.cli", "run", "--", *program],
        env={**clean, "TOLLSPAN_ENDPOINT": peer.url, "OTEL_SERVICE_NAME": "shop"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@contextmanager
def serving(peer: OTLPPeer, folder: Path, server: str) -> Iterator[str]:
    """The URL of a server that `tollspan run` has started."""
    process = start(peer, folder, sys.executable, *SERVERS[server])
    try:
        for line in process.stderr:
            if "http://127.0.0.1:" in line and not line.startswith("tollspan run"):
                break
        yield "http://127.0.0.1:" + line.split("http://127.0.0.1:")[1].split()[0].strip(")")
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("arguments", [["app.py"], ["-m", "app"], ["-c", QUERY]])
def test_a_program_is_traced_and_its_output_is_its_own(peer: OTLPPeer, tmp_path: Path, arguments: list[str]):
    (tmp_path / "app.py").write_text(QUERY + "print('fine')\n")

    process = start(peer, tmp_path, sys.executable, *arguments)
    printed, said = process.communicate(timeout=60)

    assert scopes(peer) == {"sqlite3": {"select"}}
    assert printed in ("fine\n", "")
    assert said.splitlines()[0] == f"tollspan run: shop sends to {peer.url}"
    assert "sqlite3" in said.splitlines()[1]
    assert len(said.splitlines()) == 2


def test_the_exit_code_is_the_programs(peer: OTLPPeer, tmp_path: Path):
    process = start(peer, tmp_path, sys.executable, "-c", "raise SystemExit(7)")
    process.communicate(timeout=60)

    assert process.returncode == 7


def test_a_python_that_the_program_starts_is_traced_and_says_nothing_more(peer: OTLPPeer, tmp_path: Path):
    (tmp_path / "child.py").write_text(QUERY)
    code = "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])"

    _, said = start(peer, tmp_path, sys.executable, "-c", code).communicate(timeout=60)

    assert scopes(peer) == {"sqlite3": {"select"}}
    assert said.count("tollspan run: instruments") == 1


@pytest.mark.parametrize("server", list(SERVERS))
def test_a_server_with_processes_of_its_own_is_traced(peer: OTLPPeer, tmp_path: Path, server: str):
    (tmp_path / "shop.py").write_text(SHOP)
    session = requests.Session()
    # The reloader names its port before a process listens there.
    retries = Retry(total=None, connect=150, backoff_factor=0.05, backoff_max=0.5)
    session.mount("http://", HTTPAdapter(max_retries=retries))

    with serving(peer, tmp_path, server) as url:
        assert session.get(f"{url}/items/7", timeout=10).text == "7"
        peer.wait(lambda: bool(peer.exports) and peer.stored["GET /items/<number>"] == 1)


def test_the_sitecustomize_that_it_hides_is_imported_too(peer: OTLPPeer, tmp_path: Path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.customized = True")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    printed, _ = start(peer, tmp_path, sys.executable, "-c", "print(customized)").communicate(timeout=60)

    assert printed == "True\n"


def test_the_path_of_the_program_stays_and_ours_is_there_once():
    once = environment({"PYTHONPATH": "/theirs", "HOME": "/"})

    assert once == {"PYTHONPATH": f"{STARTUP}{os.pathsep}/theirs", "HOME": "/"}
    assert environment(once) == once


@pytest.mark.parametrize("program", [[], ["--"]])
def test_without_a_program_it_says_how_to_name_one(program: list[str]):
    with pytest.raises(ConfigError, match=r"tollspan run -- python app\.py"):
        run(Namespace(program=program))


def test_a_program_that_does_not_exist_is_one_line(peer: OTLPPeer, tmp_path: Path):
    process = start(peer, tmp_path, "no-such-program")
    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("tollspan run: ")
