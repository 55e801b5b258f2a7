"""The files under deploy and examples: what they configure is valid, as the collector itself sees it."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tollspan.collector import graph
from tollspan.collector.builtins import FACTORIES
from tollspan.collector.config.load import load
from tollspan.collector.config.validate import validate
from tollspan.collector.registry import build_registry

ROOT = Path(__file__).parents[2]
DEPLOY, EXAMPLES = ROOT / "deploy", ROOT / "examples" / "collector"

CONFIG_MAPS = [
    pytest.param(document["data"]["config.yaml"], id=document["metadata"]["name"])
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
    if document["kind"] == "ConfigMap"
]

ENVIRONMENT = {
    "OTLP_ENDPOINT": "https://telemetry.example.com",
    "TOKEN_URL": "https://telemetry.example.com/token",
    "NODE_NAME": "node-1",
    "UNOMIQ_CLIENT_ID": "id",
    "UNOMIQ_CLIENT_SECRET": "secret",
    "UNOMIQ_TOKEN_URL": "https://auth.example.com/token",
    "UNOMIQ_AUDIENCE": "https://gateway.example.com",
    "UNOMIQ_OTLP_ENDPOINT": "https://gateway.example.com",
    "MLFLOW_CLIENT_ID": "id",
    "MLFLOW_CLIENT_SECRET": "secret",
    "KEYCLOAK_TOKEN_URL": "http://keycloak.example.com/token",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name, text in ENVIRONMENT.items():
        monkeypatch.setenv(name, text)


async def check(source):
    graph.build(validate(load([source]), build_registry(FACTORIES)))


@pytest.mark.parametrize("config", CONFIG_MAPS)
async def test_the_configuration_in_a_manifest_can_be_run(config):
    await check(f"yaml:{config}")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
async def test_an_example_can_be_run(path):
    await check(str(path))


def test_what_compose_mounts_and_passes_on_is_what_the_example_needs():
    folder = DEPLOY / "compose"
    (service,) = yaml.safe_load((folder / "compose.yaml").read_text())["services"].values()
    (mount,) = service["volumes"]
    config = (folder / mount.split(":")[0]).resolve()
    assert config == EXAMPLES / "sidecar-oauth2.yaml"
    assert all(f"${{env:{name}}}" in config.read_text() for name in service["environment"])
    assert service["command"][-1] == f"--config={mount.split(':')[1]}"
    assert (folder / service["build"]["context"] / service["build"]["dockerfile"]).resolve().exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_understands_the_unit(tmp_path):
    unit = tmp_path / "tollspan-collector.service"
    text = (DEPLOY / "systemd" / unit.name).read_text()
    unit.write_text(text.replace("/opt/tollspan/bin/tollspan", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
