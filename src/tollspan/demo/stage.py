"""Everything the demo runs, as child processes that end with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tollspan.demo.tables import fill, open_database

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0

SENDS = "write:traces,write:metrics,write:logs"


class StageError(RuntimeError):
    """A part of the demo did not come up, or did not go down as it should."""


@dataclass
class Stage:
    """The running demo: where to reach each part, and the processes behind it."""

    gateway_url: str = ""
    ui_url: str = ""
    shop_url: str = ""
    reader: dict[str, str] = field(default_factory=dict)
    services: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def check(self) -> None:
        """Return while every process is alive; raise StageError naming one that is not."""
        for name, process in self.services.items():
            if process.poll() is not None:
                raise StageError(f"{name} ended with exit code {process.returncode}")

    def close_services(self) -> dict[str, dict[str, Any]]:
        """Stop the shop's processes and return how each accounted for its spans."""
        return {name: json.loads(_stop(name, process)) for name, process in self.services.items()}


@contextmanager
def open_stage(folder: Path, data_dir: Path, http: str, grpc: str) -> Iterator[Stage]:
    """The demo, up and reachable; on leaving, every process it started has ended."""
    stage = Stage()
    with (folder / "demo.log").open("a") as log:
        gateway = _spawn(
            log, "tollspan.cli", "gateway", "--data-dir", str(data_dir), "--http", http, "--grpc", grpc
        )
        try:
            ready = json.loads(_first_line("gateway", gateway))
            stage.gateway_url, stage.ui_url = ready["http"], ready["ui"]
            stage.reader = create_credential(data_dir, "demo-reader", "read:traces")
            _open_shop(stage, folder, log, create_credential(data_dir, "demo-shop", SENDS))
            yield stage
        finally:
            with _uninterrupted():
                _end(*stage.services.values())
                _end(gateway)


def create_credential(data_dir: Path, name: str, permissions: str) -> dict[str, str]:
    """A fresh OAuth2 credential, made with the command a user would type."""
    command = ["credentials", "create", "--name", name, "--permissions", permissions]
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "tollspan.cli", *command, "--data-dir", str(data_dir), "--json"],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise StageError(f"no credential could be made: {done.stderr.strip()}")
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def _open_shop(stage: Stage, folder: Path, log: Any, credential: dict[str, str]) -> None:
    database = folder / "shop.db"
    fill(open_database(database))
    environment = {
        "TOLLSPAN_ENDPOINT": stage.gateway_url,
        "TOLLSPAN_CLIENT_ID": credential["client_id"],
        "TOLLSPAN_CLIENT_SECRET": credential["client_secret"],
    }
    with _listening_socket() as payments, _listening_socket() as shop:
        payments_url, stage.shop_url = _url(payments), _url(shop)
        options = ("--database", database.name, "--payments", payments_url)
        for name, module, served in (
            ("payments", "tollspan.demo.payments", payments),
            ("shop", "tollspan.demo.shop", shop),
            ("warehouse", "tollspan.demo.worker", None),
        ):
            fds = () if served is None else (served.fileno(),)
            listen = () if served is None else ("--fd", str(served.fileno()))
            stage.services[name] = _spawn(
                log, module, *listen, *options, fds=fds, environment=environment, cwd=folder
            )
        _await_answer(stage, f"{payments_url}/docs")
        _await_answer(stage, f"{stage.shop_url}/products")


def _spawn(
    log: Any,
    module: str,
    *options: str,
    fds: tuple[int, ...] = (),
    environment: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[str]:
    # A session of its own keeps Ctrl-C from reaching the child: the stage stops it in order.
    return subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, "-m", module, *options],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        pass_fds=fds,
        env=os.environ | (environment or {}),
        cwd=cwd,
        start_new_session=True,
    )


def _first_line(name: str, process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise StageError(f"{name} ended with exit code {process.wait(STOP_TIMEOUT_S)} before it was ready")
    return line


def _listening_socket() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def _await_answer(stage: Stage, url: str) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        stage.check()
        try:
            httpx.get(url, timeout=1)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise StageError(f"no answer from {url} within {START_TIMEOUT_S:.0f} s")


def _stop(name: str, process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    try:
        output, _ = process.communicate(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise StageError(f"{name} did not stop within {STOP_TIMEOUT_S:.0f} s") from None
    lines = output.splitlines()
    if not lines:
        raise StageError(f"{name} ended with exit code {process.returncode} and no account of its spans")
    return lines[-1]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A further Ctrl-C does nothing: no child may be left behind, and waiting for them has its bound."""
    signals = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.signal(os_signal, signal.SIG_IGN) for os_signal in signals]
    try:
        yield
    finally:
        for os_signal, handler in zip(signals, handlers, strict=True):
            signal.signal(os_signal, handler)


def _end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
