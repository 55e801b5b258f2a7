"""A gateway is backed up while it takes telemetry in; whoever is killed meanwhile leaves nothing behind."""

import os
import subprocess
import sys
import threading
import time

import httpx
import pytest

from helpers.gateway import Gateway
from helpers.requests import OTLP, TraceRequest

ITEMS = 5
SENDERS = 3
ROUNDS = 2

HOLDING = """
import pathlib, sys, tarfile
from tollspan.gateway.storage.backup import backup

add = tarfile.TarFile.add

def add_or_wait(archive, name, arcname=None, *options, **more):
    if arcname == "telemetry":
        print("the image is there", flush=True)
        sys.stdin.read()
    add(archive, name, arcname, *options, **more)

tarfile.TarFile.add = add_or_wait
backup(*map(pathlib.Path, sys.argv[1:]))
"""
"""A back-up that waits, for its input to be closed, when it has the image and half of the archive."""


class Load:
    """Senders that note what was acknowledged."""

    def __init__(self, gateway, headers):
        self.acknowledged, self.statuses = [], set()
        self._gateway, self._headers = gateway, headers | OTLP
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]

    def _send(self):
        with httpx.Client(base_url=self._gateway.url, headers=self._headers, timeout=30) as http:
            while not self._stop.is_set():
                request = TraceRequest(ITEMS)
                self.statuses.add(http.post("/v1/traces", content=request.wire).status_code)
                self.acknowledged.append(request.trace_id.hex())

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        while len(self.acknowledged) < SENDERS:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def tollspan_storage(action, data_dir, file):
    command = [sys.executable, "-m", "tollspan.cli", "storage", action, "--data-dir", data_dir, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def spans_of(http, trace_id):
    answer = http.get(f"/api/v1/traces/{trace_id}")
    return 0 if answer.status_code == 404 else len(answer.json()["spans"]["span_id"])


def test_a_backup_under_load_has_all_that_was_acknowledged_before_and_nothing_half(gateway, tmp_path):
    credential = gateway.create_credential()
    with Load(gateway, gateway.authorization(credential)) as load:
        for number in range(ROUNDS):
            before = list(load.acknowledged)
            tollspan_storage("backup", gateway.data_dir, tmp_path / f"{number}.tar")
        after = list(load.acknowledged)
    assert load.statuses == {200}
    assert not (gateway.data_dir / "telemetry" / "shadow").exists()
    tollspan_storage("restore", tmp_path / "again", tmp_path / f"{ROUNDS - 1}.tar")
    with Gateway(tmp_path / "again") as restored:
        headers = restored.authorization(credential)
        with httpx.Client(base_url=restored.url, headers=headers, timeout=30) as http:
            assert {spans_of(http, trace_id) for trace_id in before} == {ITEMS}
            assert {spans_of(http, trace_id) for trace_id in after[len(before) :]} <= {0, ITEMS}


@pytest.fixture
def holding(gateway, tmp_path):
    """A back-up, half done, of a gateway with a span in it."""
    credential = gateway.create_credential()
    headers = gateway.authorization(credential) | OTLP
    httpx.post(f"{gateway.url}/v1/traces", content=TraceRequest().wire, headers=headers).raise_for_status()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, gateway.data_dir, tmp_path / "file"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "the image is there\n"
        yield process
        process.kill()


def await_no_image(gateway):
    deadline = time.monotonic() + 30
    while (gateway.data_dir / "telemetry" / "shadow").exists():
        assert time.monotonic() < deadline, "the image is still there"
        time.sleep(0.01)


def test_a_backup_that_is_killed_leaves_no_file_of_that_name_and_no_image(gateway, holding, tmp_path):
    assert (gateway.data_dir / "telemetry" / "shadow").exists()
    holding.kill()
    await_no_image(gateway)
    assert not (tmp_path / "file").exists()
    tollspan_storage("backup", gateway.data_dir, tmp_path / "file")
    assert not (tmp_path / "file.part").exists()


def test_a_gateway_that_is_killed_makes_the_backup_fail_and_cleans_up_when_it_starts(
    gateway, holding, tmp_path
):
    gateway.kill()
    _, said = holding.communicate()
    assert holding.returncode == 1
    assert "the gateway ended" in said
    assert os.listdir(tmp_path) == []
    assert (gateway.data_dir / "telemetry" / "shadow").exists()
    gateway.start()
    await_no_image(gateway)


def test_a_gateway_that_stops_does_not_wait_for_a_backup(gateway, holding):
    assert gateway.stop() == 0
    assert "the gateway ended" in holding.communicate()[1]
    assert not (gateway.data_dir / "telemetry" / "shadow").exists()
    gateway.start()
