"""docs/guides/gateway.md, followed command by command."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from helpers.clickhouse_face import ClickHouseFace
from helpers.ports import free_port
from helpers.postgresql import postgresql_server
from tollspan.gateway.storage.engine import Engine

pytestmark = [
    # It has an engine in this process, of which there can be one.
    pytest.mark.xdist_group("telemetry"),
    pytest.mark.skipif(
        not (shutil.which("openssl") and shutil.which("curl")), reason="openssl and curl are not on the path"
    ),
]

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "gateway.md").read_text()
TIMEOUT_S = 60
SEND = """
import tollspan
telemetry = tollspan.init("shop", instrument=False)
with tollspan.unit("acme"), tollspan.span("place order"):
    pass
assert telemetry.flush().ok, telemetry.status()
"""


class Reader:
    """Somebody who has the guide and a folder, and other ports than those that it names."""

    def __init__(self, folder):
        self.folder = folder
        ports = {port: str(free_port()) for port in ("8317", "8320", "8330")}
        self._text = re.sub("8317|8320|8330", lambda found: ports[found[0]], GUIDE)
        self.environment = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        [config] = self.blocks("yaml")
        (folder / "gateway.yaml").write_text(config)
        self.run(self.line("openssl"))

    def blocks(self, language):
        return re.findall(rf"```{language}\n(.*?)```", self._text, re.DOTALL)

    def lines(self, text):
        """The commands that have this text in them, in the order of the guide."""
        return [line for block in self.blocks("sh") for line in block.splitlines() if text in line]

    def line(self, text):
        """The only one of them."""
        [found] = self.lines(text)
        return found

    def run(self, command):
        """What the command prints."""
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def create_credential(self, name, options=""):
        command = self.line(f"credentials create --data-dir data --name {name} ") + " --json"
        return json.loads(self.run(command.replace("--data-dir data", options)))

    @contextmanager
    def running(self, command):
        """A gateway that was started so; it ends in order."""
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout.readline().startswith('{"http": "https://')
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0

    def configure_application(self, credential):
        for line in self.lines("export TOLLSPAN_ENDPOINT"):
            self.environment |= dict(pair.split("=", 1) for pair in line.split()[1:])
        self.environment["TOLLSPAN_CLIENT_ID"] = credential["client_id"]
        self.environment["TOLLSPAN_CLIENT_SECRET"] = credential["client_secret"]


def test_one_process_from_its_certificate_to_its_restored_copy(tmp_path):
    reader = Reader(tmp_path)
    with reader.running(reader.line("gateway --data-dir data")):
        reader.configure_application(reader.create_credential("shop", "--data-dir data"))
        for name in ("reader", "eraser"):
            reader.environment[name.upper()] = reader.create_credential(name, "--data-dir data")["api_key"]
        assert "the span 'tollspan doctor' was taken" in reader.run("tollspan doctor")
        reader.run(f"python -c '{SEND}'")
        names = [trace["root_name"] for trace in json.loads(reader.run(reader.line("api/v1/traces")))["data"]]
        assert sorted(names) == ["place order", "tollspan doctor"]

        assert json.loads(reader.run(reader.line("units/acme"))) == {"traces": 1, "metrics": 0, "logs": 0}
        assert "secret" in reader.run(reader.line("credentials rotate --data-dir"))
        assert "signs from" in reader.run(reader.line("rotate-keys"))
        assert "rotate" in reader.run(reader.line("credentials audit"))
    for command in reader.lines("tollspan storage"):
        reader.run(command)


def test_two_processes_over_postgresql_and_a_clickhouse_server(tmp_path):
    reader = Reader(tmp_path)
    with (
        closing(Engine(tmp_path / "clickhouse")) as engine,
        postgresql_server() as postgresql,
        ClickHouseFace(engine) as clickhouse,
    ):
        reader.environment["TOLLSPAN_GATEWAY_IDENTITY"] = postgresql.new_database()
        reader.environment["TOLLSPAN_GATEWAY_STORAGE"] = clickhouse.url
        auth, rest = reader.lines("tollspan gateway --roles")
        with reader.running(auth), reader.running(rest):
            credential, readers = reader.create_credential("shop"), reader.create_credential("reader")
            reader.configure_application(credential)
            token_url = re.search("TOLLSPAN_TOKEN_URL=([^`]*)", reader._text)[1]
            port = re.search(r"--http 127.0.0.1:(\d+)", rest)[1]
            endpoint = f"https://localhost:{port}"
            reader.environment |= {"TOLLSPAN_TOKEN_URL": token_url, "TOLLSPAN_ENDPOINT": endpoint}
            assert "the span 'tollspan doctor' was taken" in reader.run("tollspan doctor")
            ask = f"curl -s --cacert cert.pem -H 'X-API-Key: {readers['api_key']}' {endpoint}/api/v1/traces"
            assert len(json.loads(reader.run(ask))["data"]) == 1
            assert '"keys"' in reader.run(f"curl -s --cacert cert.pem {token_url[:-6]}/.well-known/jwks.json")
    assert not (tmp_path / "ingest" / "signing-keys.json").exists()
