from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from helpers.otlp_peer import OTLPPeer, running_peer

EXAMPLES = Path(__file__).parents[2] / "examples"

Run = Callable[..., str]
Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture
def peer() -> Iterator[OTLPPeer]:
    """A destination that asks for access tokens."""
    with running_peer(token_lifetime_s=60) as peer:
        yield peer


@pytest.fixture
def environ(peer: OTLPPeer) -> dict[str, str]:
    return environment(peer.url, "examples", "hunter22")


def environment(url: str, client_id: str, client_secret: str) -> dict[str, str]:
    """The examples send to `url`."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("TOLLSPAN_", "OTEL_"))}
    return {
        **clean,
        "TOLLSPAN_ENDPOINT": url,
        "TOLLSPAN_CLIENT_ID": client_id,
        "TOLLSPAN_CLIENT_SECRET": client_secret,
        "PORT": "0",
        "PYTHONPATH": str(EXAMPLES),
    }


@pytest.fixture
def run(environ: dict[str, str], tmp_path: Path) -> Run:
    """Run Python with these arguments to its end; what it printed."""

    def run(*arguments: str, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environ | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def serve(environ: dict[str, str], tmp_path: Path) -> Serve:
    """Run Python until a line on stderr has `ready`, which is followed by a word of interest."""

    @contextmanager
    def serve(ready: str, *arguments: str, **more: str) -> Iterator[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environ | more,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            line = next((line for line in process.stderr if ready in line), "")
            assert line, "it ended before it was ready"
            yield (line.partition(ready)[2].split() or [""])[0]
        finally:
            process.terminate()
            process.communicate(timeout=30)

    return serve
