"""A real `tollspan gateway` in a process of its own, for tests that talk to it over sockets.

    with Gateway(tmp_path / "data") as gateway:
        credential = gateway.create_credential(permissions="write:traces")
        headers = gateway.authorization(credential)
        httpx.post(f"{gateway.url}/v1/traces", headers=headers, ...)

Leaving the block stops the process by its id, and fails when that had ended by itself before or does
not end with exit code 0. After an error in the block the log is on stderr.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from urllib3.util.wait import wait_for_read

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30

Credential = dict[str, str]


class Gateway:
    """The gateway on `data_dir`; it may be started again after it was stopped or killed."""

    url: str
    grpc: str
    ui: str
    create_owner: str | None
    printed_after_ready: str
    process: subprocess.Popen[str]

    def __init__(self, data_dir: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self._options = options
        self._environment = os.environ | (environment or {})
        self._log_path = data_dir.with_name(f"{data_dir.name}.log")
        self._running = False

    def start(self, http: str = "127.0.0.1:0") -> None:
        """Return when the gateway has printed its ready line."""
        address = ("--http", http, "--grpc", "127.0.0.1:0")
        with self._log_path.open("a") as log:
            self.process = subprocess.Popen(
                [*_TOLLSPAN, "gateway", "--data-dir", str(self.data_dir), *address, *self._options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
            )
        self._running = True
        readable = wait_for_read(self.process.stdout, START_TIMEOUT_S)
        line = self.process.stdout.readline() if readable else ""
        if not line:
            self.kill()
            raise AssertionError(f"the gateway did not become ready:\n{self.log}")
        ready = json.loads(line)
        self.url, self.grpc, self.ui = ready["http"], ready["grpc"], ready["ui"]
        self.create_owner = ready.get("create_owner")

    def stop(self) -> int:
        """Ask the gateway to drain and end (SIGTERM); its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def interrupt(self) -> int:
        """End the gateway as Ctrl-C does (SIGINT); its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self._reap()

    def kill(self) -> None:
        """End the gateway at once (SIGKILL), as a crash would."""
        self.process.kill()
        self._reap()

    def _reap(self) -> int:
        self._running = False
        try:
            self.printed_after_ready, _ = self.process.communicate(timeout=STOP_TIMEOUT_S)
            return self.process.returncode
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"the gateway did not end:\n{self.log}") from None

    @property
    def log(self) -> str:
        """Everything that the gateway has logged so far, over all its starts."""
        return self._log_path.read_text()

    @property
    def sign_in_key(self) -> str:
        """What the dashboard signs in with."""
        return self.ui.partition("#key=")[2]

    def create_credential(
        self, name: str = "test", permissions: str = "write:traces,read:traces", **options: str
    ) -> Credential:
        """A new credential, made by the command line; options are its flags: `tenant="acme"`."""
        flags = [part for key, value in options.items() for part in (f"--{key.replace('_', '-')}", value)]
        return self.credentials("create", "--name", name, "--permissions", permissions, *flags)

    def credentials(self, *arguments: str) -> Any:
        """What `tollspan credentials … --json` prints, read."""
        done = subprocess.run(
            [*_TOLLSPAN, "credentials", *arguments, "--data-dir", str(self.data_dir), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def request_token(self, credential: Credential, **parameters: str) -> httpx.Response:
        """The token endpoint's answer to a client credentials grant with these parameters."""
        return httpx.post(
            f"{self.url}/token",
            data={"grant_type": "client_credentials", **parameters},
            auth=(credential["client_id"], credential["client_secret"]),
        )

    def authorization(self, credential: Credential, **parameters: str) -> dict[str, str]:
        """The header that carries a fresh access token."""
        response = self.request_token(credential, **parameters)
        response.raise_for_status()
        return {"Authorization": f"Bearer {response.json()['access_token']}"}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._running:
            return
        if error is not None:
            self.kill()
            sys.stderr.write(self.log)
            return
        assert self.process.poll() is None, f"the gateway ended by itself:\n{self.log}"
        assert self.stop() == 0, self.log


_TOLLSPAN = (sys.executable, "-m", "tollspan.cli")
