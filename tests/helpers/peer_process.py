"""A third-party program in a process of its own, on ports that were free a moment ago."""

import contextlib
import socket
import subprocess
import time

import httpx

START_TIMEOUT_S = 30


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def running_process(command, log_path, *, port, url=None, timeout_s=START_TIMEOUT_S):
    """The program, once its port is open and `url`, if there is one, answers 200; terminated by its id."""
    with log_path.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(process, port, url, log_path, timeout_s)
            yield process
        finally:
            process.terminate()


def _wait(process, port, url, log_path, timeout_s):
    deadline_s = time.monotonic() + timeout_s
    while not (_is_open(port) and (url is None or _answers(url))):
        assert process.poll() is None, log_path.read_text()
        assert time.monotonic() < deadline_s, log_path.read_text()
        time.sleep(0.05)  # another program tells nobody when it is ready


def _is_open(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _answers(url):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url).status_code == 200
    return False
