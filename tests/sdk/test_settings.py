from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from tollspan.oauth2.secret import Secret
from tollspan.otlp.signals import Signal
from tollspan.sdk.configure import init
from tollspan.sdk.settings import ROWS, read_settings, variable

SECRET = "hunter2-do-not-show"
OAUTH2 = {"client_id": "shop", "client_secret": SECRET}


def test_every_setting_is_an_argument_of_init_and_the_other_way_round() -> None:
    assert set(inspect.signature(init).parameters) == {*ROWS, "strict"}


def test_an_argument_wins_over_our_variable_and_that_over_the_standard_one() -> None:
    environ = {"TOLLSPAN_SERVICE_NAME": "ours", "OTEL_SERVICE_NAME": "standard"}
    assert read_settings({"service_name": "argument"}, environ)[0].service_name == "argument"
    assert read_settings({}, environ)[0].service_name == "ours"
    assert read_settings({}, {"OTEL_SERVICE_NAME": "standard"})[0].service_name == "standard"


def test_an_empty_variable_is_not_set() -> None:
    environ = {"TOLLSPAN_SERVICE_NAME": "", "OTEL_SERVICE_NAME": "standard"}
    assert read_settings({}, environ)[0].service_name == "standard"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"TOLLSPAN_ENDPOINT": "https://gate.example"}, "https://gate.example/v1/traces"),
        ({"TOLLSPAN_ENDPOINT": "https://gate.example/otlp/"}, "https://gate.example/otlp/v1/traces"),
        ({"TOLLSPAN_ENDPOINT": "https://gate.example/v1/traces"}, "https://gate.example/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://gate.example"}, "https://gate.example/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://gate.example/in"}, "https://gate.example/in"),
        (
            {
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://a/in",
                "OTEL_EXPORTER_OTLP_ENDPOINT": "https://b",
            },
            "https://a/in",
        ),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://a/in", "TOLLSPAN_ENDPOINT": "https://b"},
            "https://b/v1/traces",
        ),
    ],
)
def test_the_url_of_a_signal(environ: dict[str, str], url: str) -> None:
    settings, problems = read_settings({}, environ)
    assert settings.url == url
    assert problems == []


def test_another_signal_has_its_own_url_and_variables() -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://a", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "3000"}
    settings, _ = read_settings({}, environ, Signal.LOGS)
    assert (settings.url, settings.export_timeout_s) == ("https://a/v1/logs", 3.0)


def test_without_an_endpoint_one_line_says_what_to_do() -> None:
    settings, problems = read_settings({}, {})
    assert settings.url is None
    assert [str(problem) for problem in problems] == [
        "endpoint: is not set, so no telemetry is sent (set TOLLSPAN_ENDPOINT)"
    ]


@pytest.mark.parametrize(
    "endpoint",
    ["gate.example", "ftp://gate", "https://", "https://u:p@gate", "https://gate:x", "https://g?key=1"],
)
def test_a_wrong_endpoint_is_said_once_and_not_quoted(endpoint: str) -> None:
    settings, problems = read_settings({"endpoint": endpoint}, {})
    assert settings.url is None
    assert len(problems) == 1
    assert str(problems[0]).startswith("init(endpoint=...): cannot be read (write https://host")


def test_an_endpoint_without_credentials_is_a_collector_nearby() -> None:
    assert (
        read_settings({"endpoint": "http://collector:4318"}, {})[0].url == "http://collector:4318/v1/traces"
    )


@pytest.mark.parametrize("arguments", [{"client_id": "shop"}, {"client_secret": SECRET}])
def test_half_a_credential_is_a_problem(arguments: dict[str, str]) -> None:
    settings, problems = read_settings({"endpoint": "https://gate", **arguments}, {})
    assert settings.url is None
    assert "is of no use alone" in str(problems[0])


@pytest.mark.parametrize(
    ("arguments", "insecure"),
    [
        ({"endpoint": "http://gate.example", **OAUTH2}, True),
        ({"endpoint": "http://gate.example", "api_key": "k"}, True),
        ({"endpoint": "https://gate.example", "token_url": "http://idp.example/token", **OAUTH2}, True),
        ({"endpoint": "http://gate.example", "allow_insecure": True, **OAUTH2}, False),
        ({"endpoint": "http://127.0.0.1:8320", **OAUTH2}, False),
        ({"endpoint": "http://[::1]:8320", **OAUTH2}, False),
        ({"endpoint": "http://localhost:8320", "token_url": "http://localhost/token", **OAUTH2}, False),
    ],
)
def test_credentials_do_not_travel_unencrypted_beyond_this_machine(
    arguments: dict[str, object], insecure: bool
) -> None:
    settings, problems = read_settings(arguments, {})
    assert (settings.url is None) == insecure
    assert any("unencrypted" in str(problem) for problem in problems) == insecure


def test_the_credential_that_was_passed_wins_over_the_environment() -> None:
    environ = {
        "TOLLSPAN_CLIENT_ID": "shop",
        "TOLLSPAN_CLIENT_SECRET": SECRET,
        "TOLLSPAN_ENDPOINT": "https://gate",
    }
    settings, problems = read_settings({"api_key": "k"}, environ)
    assert settings.api_key == Secret("k")
    assert settings.client_id is None
    assert problems == []


def test_two_credentials_of_the_same_rank_are_said() -> None:
    settings, problems = read_settings({"endpoint": "https://gate", "api_key": "k", **OAUTH2}, {})
    assert settings.api_key is None
    assert str(problems[0]) == "api_key: is ignored beside client_id (set one of them)"
    assert settings.url is not None


def test_a_secret_in_a_file_is_read_when_needed(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    environ = {"TOLLSPAN_CLIENT_SECRET_FILE": str(file), "TOLLSPAN_CLIENT_ID": "shop"}
    settings, problems = read_settings({"endpoint": "https://gate"}, environ)
    assert settings.client_secret == file
    assert problems == []


def test_a_secret_file_that_is_not_there_yet_is_said_and_waited_for(tmp_path: Path) -> None:
    environ = {"TOLLSPAN_API_KEY_FILE": str(tmp_path / "missing"), "TOLLSPAN_ENDPOINT": "https://gate"}
    settings, problems = read_settings({}, environ)
    assert settings.url is not None
    assert str(problems[0]).startswith("TOLLSPAN_API_KEY_FILE: its file holds no credential")


def test_times_in_standard_variables_are_milliseconds() -> None:
    environ = {"OTEL_EXPORTER_OTLP_TIMEOUT": "5000", "OTEL_BSP_SCHEDULE_DELAY": "250"}
    settings, _ = read_settings({}, environ)
    assert (settings.export_timeout_s, settings.export_interval_s) == (5.0, 0.25)
    assert read_settings({}, {"TOLLSPAN_EXPORT_TIMEOUT_S": "5"})[0].export_timeout_s == 5.0


def test_a_timeout_that_was_meant_in_seconds_is_noticed() -> None:
    _, problems = read_settings({"endpoint": "https://gate"}, {"OTEL_EXPORTER_OTLP_TIMEOUT": "10"})
    assert "less than 100 ms" in str(problems[0])


@pytest.mark.parametrize(
    ("name", "value"), [("batch_items_max", "many"), ("api_key", "line\nbreak"), ("unit", 7)]
)
def test_a_value_that_cannot_be_read_counts_as_not_given(name: str, value: object) -> None:
    settings, problems = read_settings({"endpoint": "https://gate", name: value}, {})
    untouched, _ = read_settings({"endpoint": "https://gate"}, {})
    assert getattr(settings, name) == getattr(untouched, name)
    assert problems[0].path == f"init({name}=...)"
    assert problems[0].problem == "cannot be read"


def test_values_are_read_from_text() -> None:
    environ = {
        variable("scopes"): "write:traces, write:logs",
        variable("resource_attributes"): "team=a%20b,tier=1",
        variable("headers"): "X-Dataset=shop",
        variable("allow_insecure"): "True",
        variable("unit"): "acme",
    }
    settings, _ = read_settings({"sampler": ALWAYS_OFF}, environ)
    assert settings.scopes == ("write:traces", "write:logs")
    assert settings.resource_attributes == {"team": "a b", "tier": "1"}
    assert settings.headers == {"x-dataset": Secret("shop")}
    assert settings.allow_insecure is True
    assert settings.unit == "acme"
    assert settings.sampler is ALWAYS_OFF


def test_a_misspelt_variable_is_noticed() -> None:
    environ = {
        "TOLLSPAN_CLIENT_SECERT": SECRET,
        "TOLLSPAN_UNRELATED": "x",
        "TOLLSPAN_ENDPOINT": "https://gate",
    }
    _, problems = read_settings({}, environ)
    assert [str(problem) for problem in problems] == [
        "TOLLSPAN_CLIENT_SECERT: is no setting (did you mean TOLLSPAN_CLIENT_SECRET?)"
    ]


def test_neither_settings_nor_problems_show_what_was_given() -> None:
    arguments = dict.fromkeys(ROWS, f"\n{SECRET}\x00")
    settings, problems = read_settings(arguments, {})
    assert SECRET not in "".join(map(str, problems))
    settings, problems = read_settings({**OAUTH2, "headers": {"x-key": SECRET}}, {})
    assert SECRET not in repr(settings) + "".join(map(str, problems))


@pytest.mark.parametrize(
    ("signal", "expected"), [(Signal.TRACES, 1), (Signal.LOGS, 2), (Signal.METRICS, 1)], ids=str
)
def test_log_records_have_batch_variables_of_their_own(signal: Signal, expected: int) -> None:
    environ = {"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_BLRP_MAX_QUEUE_SIZE": "2"}
    assert read_settings({}, environ, signal)[0].queue_items_max == expected


def test_the_standard_variables_of_metrics_are_read() -> None:
    environ = {
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "DELTA",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
    }
    settings, _ = read_settings({}, environ, Signal.METRICS)
    assert (settings.metric_interval_s, settings.metric_temporality) == (5.0, "delta")
    assert settings.metric_histograms == "base2_exponential_bucket_histogram"


@pytest.mark.parametrize(
    ("level", "expected"), [("info", 20), ("WARNING", 30), (10, 10), ("loud", None), (True, None)]
)
def test_a_level_is_a_name_or_a_number(level: object, expected: int | None) -> None:
    settings, problems = read_settings({"endpoint": "https://gate.example", "log_level": level}, {})
    assert settings.log_level == expected
    assert bool(problems) == (expected is None)


def test_a_spool_may_be_a_path(tmp_path: Path) -> None:
    settings, problems = read_settings({"spool": tmp_path, "endpoint": "https://gate"}, {})
    assert (settings.spool, problems) == (str(tmp_path), [])
