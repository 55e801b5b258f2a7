"""A real `tollspan collector` in a process of its own.

    with Collector(tmp_path, EXAMPLES / "sidecar-oauth2.yaml", environment={...}) as collector:
        httpx.post(f"{collector.url}/v1/traces", ...)

The file is used as it is, but for its ports, which are overlaid with free ones. Leaving the
block stops the process by its id; what it logged is in `log`.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

import yaml

EXAMPLES = Path(__file__).parents[2] / "examples" / "collector"

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 60

FREE_PORTS = {
    "receivers": {
        "otlp": {
            "protocols": {"grpc": {"endpoint": "127.0.0.1:0"}, "http": {"endpoint": "127.0.0.1:0"}},
        }
    }
}


class Collector:
    """`overlay` is merged into the configuration after the free ports."""

    def __init__(self, folder, config, overlay=None, environment=None):
        self._files = [config, folder / "ports.yaml", folder / "overlay.yaml"]
        self._files[1].write_text(yaml.safe_dump(FREE_PORTS))
        self._files[2].write_text(yaml.safe_dump(overlay or {}))
        self._environment = os.environ | (environment or {})
        self._lines = []
        self._logged = threading.Condition()

    def start(self):
        options = [part for file in self._files for part in ("--config", str(file))]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tollspan.cli", "collector", *options],
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        self._ready = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        ready = self._ready.get(timeout=START_TIMEOUT_S)
        if ready is None:
            self._reap()
            raise AssertionError(f"the collector did not become ready:\n{self.log}")
        self.url, self.grpc = ready["http"][0], ready["grpc"][0]

    def stop(self):
        """Ask the collector to drain and end; its exit code."""
        self.process.terminate()
        return self._reap()

    def kill(self):
        self.process.kill()
        self._reap()

    @property
    def log(self):
        return "".join(self._lines)

    def wait_for_log(self, text):
        """Return when something with `text` in it is logged, now or before."""
        with self._logged:
            assert self._logged.wait_for(lambda: text in self.log, STOP_TIMEOUT_S), self.log

    def _read(self):
        with self.process.stderr as lines:
            for line in lines:
                with self._logged:
                    self._lines.append(line)
                    self._logged.notify_all()
                if '"service_ready"' in line:
                    self._ready.put(json.loads(line))
        self._ready.put(None)

    def _reap(self):
        code = self.process.wait(STOP_TIMEOUT_S)
        self._reader.join(STOP_TIMEOUT_S)
        return code

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            code = self.stop()
            assert kind is not None or code == 0, self.log
        if kind is not None:
            sys.stderr.write(self.log)
