"""A gateway in a process of its own, in a new folder, for scenarios that talk to it over sockets."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import urllib3

_TOLLSPAN = (sys.executable, "-m", "tollspan.cli")


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """Where it is, its process, and the header of a caller with the permissions that were asked for."""

    url: str
    pid: int
    authorization: dict[str, str]


@contextmanager
def running_gateway(permissions: str) -> Iterator[RunningGateway]:
    """It answers until the block ends; everything it kept is gone then."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--data-dir", folder, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
        process = subprocess.Popen(
            [*_TOLLSPAN, "gateway", *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["http"]
            yield RunningGateway(url, process.pid, _authorization(folder, url, permissions))
        finally:
            process.terminate()
            process.wait(30)


def _authorization(folder: str, url: str, permissions: str) -> dict[str, str]:
    create = ("credentials", "create", "--name", "bench", "--permissions", permissions, "--json")
    done = subprocess.run([*_TOLLSPAN, *create, "--data-dir", folder], check=True, stdout=subprocess.PIPE)
    credential = json.loads(done.stdout)
    headers = urllib3.make_headers(basic_auth=f"{credential['client_id']}:{credential['client_secret']}")
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = urllib3.request("POST", f"{url}/token", body=b"grant_type=client_credentials", headers=headers)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}
