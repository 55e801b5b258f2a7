"""Each preset as its users meet it: from environment variables to the request it makes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from helpers.otlp_peer import OTLPPeer
from helpers.sending import Sending
from tollspan.oauth2.secret import Secret
from tollspan.otlp.signals import Signal
from tollspan.sdk.destinations import DESTINATIONS, Destination
from tollspan.sdk.settings import ROWS, Settings, read_settings

SECRET = "hunter2-do-not-show"


def read(environ: dict[str, str], signal: Signal = Signal.TRACES) -> Settings:
    settings, problems = read_settings({}, environ, signal)
    assert problems == []
    return settings


@pytest.mark.parametrize("destination", DESTINATIONS.values(), ids=list(DESTINATIONS))
def test_every_preset_is_made_of_settings_that_exist_and_can_be_read(destination: Destination) -> None:
    assert {*destination.defaults, *destination.variables} <= ROWS.keys()
    for name, text in destination.defaults.items():
        ROWS[name].kind.read(text)
    assert set(destination.dataset_headers) <= set(destination.paths)


def test_unomiq_needs_only_its_two_variables() -> None:
    environ = {
        "TOLLSPAN_DESTINATION": "unomiq",
        "UNOMIQ_CLIENT_ID": "shop",
        "UNOMIQ_CLIENT_SECRET": SECRET,
    }
    settings = read(environ)
    assert settings.url == "https://gateway-api.unomiq.com/v1/traces"
    assert settings.token_url == "https://oauth-api.unomiq.com/token"
    assert (settings.audience, settings.scopes) == ("https://gateway-api.unomiq.com", ("write:traces",))
    assert settings.auth_method == "client_secret_post"
    assert (settings.client_id, settings.client_secret) == (Secret("shop"), Secret(SECRET))


def test_unomiq_takes_traces_alone() -> None:
    environ = {"TOLLSPAN_DESTINATION": "unomiq", "UNOMIQ_CLIENT_ID": "a", "UNOMIQ_CLIENT_SECRET": "b"}
    assert [read(environ, signal).url for signal in (Signal.METRICS, Signal.LOGS)] == [None, None]


def test_unomiq_is_asked_the_way_it_expects(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    Sending(
        destination="unomiq",
        endpoint=peer.url,
        token_url=f"{peer.url}/token",
        client_id="a",
        client_secret="b",
    ).send()
    assert peer.token_requests[0][1] == (
        "grant_type=client_credentials&scope=write%3Atraces&audience=https%3A%2F%2Fgateway-api.unomiq.com"
        "&client_id=a&client_secret=b"
    )
    assert peer.stored == {"a": 1}


@pytest.mark.parametrize(
    ("signal", "header"),
    [
        (Signal.TRACES, {"x-axiom-dataset": "spans"}),
        (Signal.LOGS, {"x-axiom-dataset": "lines"}),
        (Signal.METRICS, {"x-axiom-metrics-dataset": "points"}),
    ],
    ids=lambda value: value.value if isinstance(value, Signal) else "",
)
def test_axiom_has_a_dataset_for_each_signal(signal: Signal, header: dict[str, str]) -> None:
    settings = read(
        {
            "TOLLSPAN_DESTINATION": "axiom",
            "AXIOM_TOKEN": "xaat-1",
            "TOLLSPAN_DATASET": "traces=spans,logs=lines,metrics=points",
            "TOLLSPAN_ENDPOINT": "https://eu-central-1.aws.edge.axiom.co",
        },
        signal,
    )
    assert settings.url == f"https://eu-central-1.aws.edge.axiom.co/v1/{signal.value}"
    assert settings.headers == {name: Secret(text) for name, text in header.items()}


def test_axiom_gets_its_token_and_dataset(peer: OTLPPeer) -> None:
    Sending(destination="axiom", endpoint=peer.url, dataset="shop", api_key="xaat-1").send()
    headers = peer.exports[0].headers
    assert (headers["authorization"], headers["x-axiom-dataset"]) == ("Bearer xaat-1", "shop")


def test_obtrace_has_its_own_paths_and_identity(peer: OTLPPeer) -> None:
    settings = read(
        {
            "TOLLSPAN_DESTINATION": "obtrace",
            "OBTRACE_API_KEY": "obt_1",
            "OBTRACE_SERVICE_NAME": "shop",
            "OBTRACE_ENV": "staging",
            "OBTRACE_TENANT_ID": "acme",
            "OBTRACE_PROJECT_ID": "web",
        },
        Signal.LOGS,
    )
    assert settings.url == "https://ingest.obtrace.ai/otlp/v1/logs"
    assert (settings.service_name, settings.environment) == ("shop", "staging")
    assert settings.resource_attributes == {"obtrace.tenant_id": "acme", "obtrace.project_id": "web"}


def test_mlflow_gets_the_experiment_and_a_token_of_keycloak(peer: OTLPPeer) -> None:
    peer.token_lifetime_s = 3600
    environ = {
        "TOLLSPAN_DESTINATION": "mlflow",
        "MLFLOW_TRACKING_URI": peer.url,
        "MLFLOW_EXPERIMENT_ID": "7",
        "MLFLOW_CLIENT_ID": "agents",
        "MLFLOW_CLIENT_SECRET": SECRET,
        "KEYCLOAK_TOKEN_URL": f"{peer.url}/realms/master/protocol/openid-connect/token",
    }
    Sending(environ).send()
    assert peer.paths == ["/realms/master/protocol/openid-connect/token", "/v1/traces"]
    assert peer.token_requests[0][1] == "grant_type=client_credentials&scope=openid"
    assert peer.exports[0].headers["x-mlflow-experiment-id"] == "7"


def test_mlflow_open_and_near_needs_nothing() -> None:
    settings = read({"TOLLSPAN_DESTINATION": "mlflow"})
    assert settings.url == "http://localhost:5000/v1/traces"
    assert settings.headers == {"x-mlflow-experiment-id": Secret("0")}


def test_a_collector_nearby_gets_no_credentials() -> None:
    environ = {"TOLLSPAN_DESTINATION": "collector", "TOLLSPAN_CLIENT_ID": "a", "TOLLSPAN_CLIENT_SECRET": "b"}
    settings, problems = read_settings({}, environ)
    assert settings.url == "http://localhost:4318/v1/traces"
    assert (settings.client_id, settings.client_secret) == (None, None)
    assert [str(problem) for problem in problems] == [
        "TOLLSPAN_CLIENT_ID: is ignored: the destination asks for no such credential"
    ]
    environ = {"TOLLSPAN_DESTINATION": "collector", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://agent:4318"}
    assert read(environ).url == "http://agent:4318/v1/traces"


def test_a_collector_has_another_port_for_grpc() -> None:
    environ = {"TOLLSPAN_DESTINATION": "collector", "TOLLSPAN_PROTOCOL": "grpc"}
    assert read(environ).url == "http://localhost:4317"
    named = {**environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://agent:9999"}
    assert read(named).url == "http://agent:9999"


def test_the_gateway_may_be_told_the_dataset() -> None:
    settings = read({"TOLLSPAN_ENDPOINT": "https://gate", "TOLLSPAN_DATASET": "shop"})
    assert settings.headers == {"x-tollspan-dataset": Secret("shop")}
    named = read({"TOLLSPAN_ENDPOINT": "https://gate", "TOLLSPAN_HEADERS": "X-Tollspan-Dataset=other"})
    assert named.headers == {"x-tollspan-dataset": Secret("other")}


@pytest.mark.parametrize(
    ("arguments", "environ", "endpoint"),
    [
        ({"endpoint": "https://argument"}, {"TOLLSPAN_ENDPOINT": "https://ours"}, "https://argument"),
        ({}, {"TOLLSPAN_ENDPOINT": "https://ours", "UNOMIQ_OTLP_ENDPOINT": "https://vendor"}, "https://ours"),
        (
            {},
            {"UNOMIQ_OTLP_ENDPOINT": "https://vendor", "OTEL_EXPORTER_OTLP_ENDPOINT": "https://standard"},
            "https://vendor",
        ),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://standard"}, "https://standard"),
        ({}, {}, "https://gateway-api.unomiq.com"),
    ],
    ids=["argument", "ours", "vendor", "standard", "default"],
)
def test_argument_ours_vendor_standard_default(
    arguments: dict[str, Any], environ: dict[str, str], endpoint: str
) -> None:
    credentials = {"client_id": "a", "client_secret": "b"}
    settings, problems = read_settings({"destination": "unomiq", **credentials, **arguments}, environ)
    assert (settings.endpoint, problems) == (endpoint, [])


def test_variables_of_a_vendor_that_was_not_chosen_are_not_read() -> None:
    environ = {"TOLLSPAN_ENDPOINT": "https://gate", "UNOMIQ_CLIENT_ID": "a", "AXIOM_TOKEN": "b"}
    assert dataclasses.asdict(read(environ))["client_id"] is None
    assert read(environ).api_key is None
