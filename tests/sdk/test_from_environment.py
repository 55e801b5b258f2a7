from __future__ import annotations

from collections.abc import Mapping

import pytest

from tollspan.otlp.http_exchange import Delivered
from tollspan.otlp.signals import Signal
from tollspan.sdk.from_environment import authorization, read_environment, token_source


@pytest.fixture(autouse=True)
def new_token_source() -> None:
    token_source.cache_clear()


def test_settings_are_those_of_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://logs.example/in")
    assert read_environment(Signal.LOGS).url == "https://logs.example/in"


def test_a_problem_is_a_line_once_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TOLLSPAN_ENDPOINT", "https://gate.example")
    monkeypatch.setenv("TOLLSPAN_CLIENT_SECRET", "hunter2-do-not-show")
    read_environment(Signal.TRACES)
    read_environment(Signal.METRICS)
    lines = [record.message for record in caplog.records]
    assert lines == ["TOLLSPAN_CLIENT_SECRET: is of no use alone (set TOLLSPAN_CLIENT_ID too)"]


def test_there_is_one_token_source_and_none_without_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLSPAN_ENDPOINT", "https://gate.example")
    assert token_source() is None
    token_source.cache_clear()
    monkeypatch.setenv("TOLLSPAN_CLIENT_ID", "shop")
    monkeypatch.setenv("TOLLSPAN_CLIENT_SECRET", "s3cr3t")
    assert token_source() is token_source() is not None


def test_credentials_are_found_for_whatever_signal_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://logs.example/in")
    monkeypatch.setenv("TOLLSPAN_API_KEY", "ts_key")
    sent: list[Mapping[str, str]] = []
    authorization().attempt(lambda headers, _: sent.append(headers) or Delivered(), 1)
    assert sent == [{"authorization": "Bearer ts_key"}]


def test_without_a_safe_destination_there_are_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLSPAN_ENDPOINT", "http://gate.example")
    monkeypatch.setenv("TOLLSPAN_API_KEY", "ts_key")
    sent: list[Mapping[str, str]] = []
    authorization().attempt(lambda headers, _: sent.append(headers) or Delivered(), 1)
    assert sent == [{}]
