"""Peers that only some machines have: what could not be started is said plainly, at the end, by name."""

import os
import shutil

import pytest

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
    """The path of an OpenTelemetry Collector."""
    path = os.environ.get("OTELCOL") or shutil.which("otelcol")
    return path or skip_without("otelcol (Go: build cmd/otelcorecol, set OTELCOL to the binary)")


def pytest_terminal_summary(terminalreporter) -> None:
    for peer in MISSING:
        terminalreporter.write_line(f"not started: {peer}")
