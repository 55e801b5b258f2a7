"""What a misconfiguration says: where it is, what is wrong, what to do; one line and no secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tollspan.otlp.signals import Signal
from tollspan.sdk.settings import read_settings

SECRET = "hunter2-do-not-show"
GATE = {"endpoint": "https://gate"}

FAULTS: list[tuple[dict[str, Any], Signal, str]] = [
    (
        {"destination": "unomiq"},
        Signal.TRACES,
        "client_id: is not set, and unomiq asks for it (set TOLLSPAN_CLIENT_ID or UNOMIQ_CLIENT_ID)",
    ),
    (
        {"destination": "axiom", "api_key": SECRET},
        Signal.TRACES,
        "dataset: is not set for traces (set TOLLSPAN_DATASET or AXIOM_DATASET)",
    ),
    (
        {"destination": "axiom", "api_key": SECRET, "dataset": {"traces": "a"}},
        Signal.METRICS,
        "dataset: is not set for metrics (set TOLLSPAN_DATASET or AXIOM_DATASET)",
    ),
    (
        {"client_id": "shop", **GATE},
        Signal.LOGS,
        "init(client_id=...): is of no use alone (set TOLLSPAN_CLIENT_SECRET too)",
    ),
    (
        {"client_id": "shop", "auth_method": "private_key_jwt", **GATE},
        Signal.TRACES,
        "init(client_id=...): is of no use alone (set TOLLSPAN_PRIVATE_KEY_FILE too)",
    ),
    (
        {"client_id": "shop", "auth_method": "tls_client_auth", **GATE},
        Signal.TRACES,
        "init(client_id=...): is of no use alone (set TOLLSPAN_CLIENT_CERTIFICATE_FILE too)",
    ),
    (
        {"client_id": "shop", "client_secret": SECRET, "protocol": "grpc", **GATE},
        Signal.TRACES,
        "token_url: cannot be found over gRPC (set TOLLSPAN_TOKEN_URL)",
    ),
    (
        {"private_key_file": __file__, **GATE},
        Signal.TRACES,
        "init(private_key_file=...): is of no use alone (set TOLLSPAN_CLIENT_ID too)",
    ),
    (
        {"destination": "mlflow", "endpoint": "http://mlflow:5000", "api_key": SECRET},
        Signal.TRACES,
        "init(endpoint=...): would send credentials unencrypted "
        "(use https, or set TOLLSPAN_ALLOW_INSECURE=true)",
    ),
]


@pytest.mark.parametrize(("arguments", "signal", "line"), FAULTS, ids=range(len(FAULTS)))
def test_nothing_is_sent_and_one_line_says_why(arguments: dict[str, Any], signal: Signal, line: str) -> None:
    settings, problems = read_settings(arguments, {}, signal)
    assert settings.url is None
    assert [str(problem) for problem in problems] == [line]


@pytest.mark.parametrize(
    "arguments",
    [
        {"client_id": "shop", "private_key_file": __file__, **GATE},
        {
            "client_id": "shop",
            "auth_method": "tls_client_auth",
            "client_certificate_file": __file__,
            **GATE,
        },
        {"client_certificate_file": __file__, **GATE},
        {"destination": "mlflow", "endpoint": "http://mlflow:5000"},
        {"api_key": SECRET, "api_key_header": "X-API-Key", **GATE},
    ],
    ids=["private key", "certificate for tokens", "certificate alone", "open and near", "key in a header"],
)
def test_what_is_enough_is_enough(arguments: dict[str, Any]) -> None:
    settings, problems = read_settings(arguments, {})
    assert settings.url is not None
    assert problems == []


def test_a_private_key_is_a_way_to_authenticate_unless_another_was_chosen() -> None:
    key = {"client_id": "shop", "private_key_file": __file__, **GATE}
    assert read_settings(key, {})[0].auth_method == "private_key_jwt"
    unomiq = read_settings({"destination": "unomiq", **key}, {})[0]
    assert unomiq.auth_method == "private_key_jwt"
    chosen = read_settings({"client_secret": "s", "auth_method": "client_secret_post", **key}, {})[0]
    assert chosen.auth_method == "client_secret_post"


def test_a_credential_that_the_destination_does_not_know_is_left_out_and_said() -> None:
    arguments = {"destination": "axiom", "dataset": "d", "api_key": SECRET}
    environ = {"TOLLSPAN_CLIENT_ID": "shop", "TOLLSPAN_CLIENT_SECRET": SECRET}
    settings, problems = read_settings(arguments, environ)
    assert (settings.client_id, settings.client_secret) == (None, None)
    assert settings.url is not None
    assert [str(problem) for problem in problems] == [
        "TOLLSPAN_CLIENT_ID: is ignored: the destination asks for no such credential"
    ]


def test_a_dataset_for_a_destination_without_any_is_said() -> None:
    settings, problems = read_settings({"destination": "otlp", "dataset": "shop", **GATE}, {})
    assert (settings.url, settings.dataset) == ("https://gate/v1/traces", {})
    assert [str(problem) for problem in problems] == [
        "init(dataset=...): is ignored: the destination has no datasets"
    ]


def test_a_destination_that_does_not_exist_is_said_with_those_that_do() -> None:
    _, problems = read_settings({"destination": "axoim", **GATE}, {})
    assert [str(problem) for problem in problems] == [
        "init(destination=...): cannot be read "
        "(write tollspan or otlp or collector or unomiq or axiom or obtrace or mlflow)"
    ]


def test_grpc_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollspan.sdk.setting_faults.find_spec", lambda _: None)
    settings, problems = read_settings({"protocol": "grpc", **GATE}, {})
    assert settings.url is None
    assert [str(problem) for problem in problems] == [
        "init(protocol=...): needs grpcio (pip install 'tollspan[grpc]')"
    ]


@pytest.mark.parametrize(
    "name", ["private_key_file", "certificate_file", "client_certificate_file", "client_key_file"]
)
def test_a_file_that_is_not_there_yet_is_said_and_waited_for(name: str, tmp_path: Path) -> None:
    arguments = {"client_id": "shop", "client_secret": SECRET, name: str(tmp_path / "file"), **GATE}
    (tmp_path / "file").touch()
    assert read_settings(arguments, {})[1] == []

    (tmp_path / "file").unlink()
    settings, problems = read_settings(arguments | {"auth_method": "client_secret_basic"}, {})
    assert settings.url is not None
    assert [str(p) for p in problems] == [
        f"init({name}=...): its file cannot be read (it will be tried again)"
    ]


def test_a_spool_where_no_folder_can_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert read_settings({"spool": tmp_path / "new" / "folder", **GATE}, {})[1] == []

    settings, problems = read_settings({"spool": tmp_path / "file" / "folder", **GATE}, {})
    assert settings.url is not None
    assert [str(p) for p in problems] == [
        "init(spool=...): its folder cannot be written (it will be tried again)"
    ]
