"""Peers that only some machines have: what could not be started is said plainly, at the end, by name."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

OTELCOL_VERSION = "v0.150.0"
OTELCOL = Path.home() / ".cache" / "tollspan-interop" / f"otelcol-{OTELCOL_VERSION}"

MISSING: list[str] = []


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium to drive."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        MISSING.append("Chromium (Debian: apt-get install chromium)")
        pytest.skip("no Chromium on this machine")
    return path


@pytest.fixture(scope="session")
def skip_without():
    """Skips the test for want of a peer, named together with where to get it."""

    def skip_without(peer: str) -> None:
        MISSING.append(peer)
        pytest.skip(f"not on this machine: {peer}")

    return skip_without


@pytest.fixture(scope="session")
def otelcol(skip_without) -> str:
    """The path of an OpenTelemetry Collector: what the variable OTELCOL names, or `otelcol` in the PATH.

    Else its own builder makes one of otelcol_builder.yaml, once, which takes some minutes.
    """
    found = os.environ.get("OTELCOL") or shutil.which("otelcol")
    if found or (OTELCOL / "otelcol").exists():
        return found or str(OTELCOL / "otelcol")
    if shutil.which("go") is None:
        skip_without("otelcol, or Go to build it with")
    OTELCOL.mkdir(parents=True, exist_ok=True)
    recipe = yaml.safe_load(Path(__file__).with_name("otelcol_builder.yaml").read_text())
    recipe["dist"]["output_path"] = str(OTELCOL)
    config = OTELCOL / "builder.yaml"
    config.write_text(yaml.safe_dump(recipe))
    builder = f"go.opentelemetry.io/collector/cmd/builder@{OTELCOL_VERSION}"
    if subprocess.run(["go", "run", builder, "--config", str(config)], check=False).returncode != 0:
        skip_without("otelcol (its modules, from Go's proxy)")
    return str(OTELCOL / "otelcol")


def pytest_terminal_summary(terminalreporter) -> None:
    for peer in MISSING:
        terminalreporter.write_line(f"not started: {peer}")
