from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.certificate import new_certificate
from helpers.fresh_sdk import fresh_sdk
from helpers.otlp_peer import OTLPPeer, running_peer


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TOLLSPAN_", "OTEL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tests configure logging, which silences the loggers that are there."""
    monkeypatch.setattr(logging.getLogger("tollspan"), "disabled", False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its self-signed certificate for localhost, in one file."""
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    new_certificate(file)
    return file


@pytest.fixture
def peer() -> Iterator[OTLPPeer]:
    with running_peer() as peer:
        yield peer


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`init` and OpenTelemetry's global providers as they are in a new process."""
    with fresh_sdk(monkeypatch):
        yield
