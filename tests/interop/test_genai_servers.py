"""MLflow and Phoenix as published on PyPI take what our SDK sends, and show it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.ports import free_port
from helpers.sending import Sending
from helpers.wheels import environment
from tollspan.otlp.http_exchange import Delivered, Refused

START_TIMEOUT_S = 120


def ask(url: str, document: dict[str, Any] | None = None) -> Any:
    """The JSON that a GET, or a POST of `document`, is answered with."""
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


@contextmanager
def running(command: list[str | Path], folder: Path, environ: dict[str, str], ready: str) -> Iterator[None]:
    """The server answers at `ready` inside the block."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environ}, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or answers(ready))
        assert process.poll() is None, (folder / "log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s, "it took too long"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    programs = environment("mlflow==3.17.2")
    command = [
        *(programs / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", "sqlite:///mlflow.db"),
    ]
    path = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    with running(command, tmp_path_factory.mktemp("mlflow"), path, f"{url}/health"):
        yield url


@pytest.mark.timeout(300)
def test_mlflow_takes_traces_into_the_experiment_that_was_named(mlflow: str) -> None:
    created = ask(f"{mlflow}/api/2.0/mlflow/experiments/create", {"name": "shop"})
    experiment = created["experiment_id"]
    sending = Sending({"TOLLSPAN_DESTINATION": "mlflow", "MLFLOW_TRACKING_URI": mlflow}, dataset=experiment)
    assert sending.send("chat") == Delivered()
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    found = ask(f"{mlflow}/api/3.0/mlflow/traces/search", {"locations": [location]})
    assert len(found["traces"]) == 1


@pytest.mark.timeout(300)
def test_mlflow_refuses_what_names_no_experiment(mlflow: str) -> None:
    assert isinstance(Sending(destination="otlp", endpoint=mlflow).send("chat"), Refused)


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Its URLs for HTTP and for gRPC."""
    port, grpc_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("phoenix")
    environ = {
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    command = [environment("arize-phoenix==20.26.1") / "phoenix", "serve"]
    with running(command, folder, environ, f"{url}/healthz"):
        yield url, f"http://127.0.0.1:{grpc_port}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_phoenix_takes_traces(phoenix: tuple[str, str], protocol: str) -> None:
    url, grpc_url = phoenix
    endpoint = grpc_url if protocol == "grpc" else url
    before = traces_in(url)
    assert Sending(destination="otlp", endpoint=endpoint, protocol=protocol).send("chat") == Delivered()
    # It answers before it stores.
    until(lambda: traces_in(url) > before)


def traces_in(url: str) -> int:
    query = "{ projects { edges { node { traceCount } } } }"
    edges = ask(f"{url}/graphql", {"query": query})["data"]["projects"]["edges"]
    return sum(edge["node"]["traceCount"] for edge in edges)
