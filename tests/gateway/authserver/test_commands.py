import argparse
import getpass
import json
import subprocess
import sys
from contextlib import closing

import pytest

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.commands import add_arguments, run
from tollspan.gateway.authserver.identity import Identity
from tollspan.oauth2.secret import Secret


@pytest.fixture
def credentials(tmp_path, capsys):
    """Runs `tollspan credentials ...` on a gateway's data folder and returns what it printed."""
    Identity.open(tmp_path).close()

    def call(action, *words):
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        assert run(parser.parse_args([action, "--data-dir", str(tmp_path), *words])) == 0
        return capsys.readouterr().out

    return call


def create(credentials, *words):
    return json.loads(
        credentials("create", "--name", "n", "--permissions", "write:traces,read:traces", "--json", *words)
    )


def test_create_prints_a_client_id_and_secret_that_work(credentials, tmp_path):
    made = create(credentials)

    with closing(Identity.open(tmp_path)) as identity:
        store = identity.credentials
        assert store.authenticate_client(made["client_id"], Secret(made["client_secret"]))


def test_create_prints_an_api_key_that_works(credentials, tmp_path):
    made = create(credentials, "--kind", "api_key")

    assert "client_secret" not in made
    with closing(Identity.open(tmp_path)) as identity:
        store = identity.credentials
        assert store.authenticate_api_key(Secret(made["api_key"]))


def test_every_option_of_create_counts(credentials, tmp_path):
    made = create(credentials, "--tenant", "acme", "--dataset", "a,b", "--dataset", "c", "--expires-in", "2h")

    with closing(Identity.open(tmp_path)) as identity:
        store = identity.credentials
        [credential] = store.find_all()
    assert (made["tenant"], made["datasets"], made["permissions"]) == (
        "acme",
        ["a", "b", "c"],
        ["write:traces", "read:traces"],
    )
    assert (credential.tenant, credential.datasets) == ("acme", ("a", "b", "c"))
    assert credential.expires_s - credential.created_s == 7200


def test_without_json_the_secret_is_shown_as_text(credentials):
    printed = credentials("create", "--name", "n", "--permissions", "write:traces")

    assert printed.startswith("client_id ")
    assert "client_secret ts_secret_" in printed


def test_list_shows_no_secret(credentials):
    made = create(credentials, "--kind", "api_key")
    listed = credentials("list", "--json")
    table = credentials("list")

    assert [entry["id"] for entry in json.loads(listed)] == [made["id"]]
    assert made["api_key"] not in listed + table
    assert table.splitlines()[0].split()[:3] == ["ID", "NAME", "KIND"]
    assert table.splitlines()[1].endswith("live")


def test_list_is_empty_at_first(credentials):
    assert json.loads(credentials("list", "--json")) == []
    assert len(credentials("list").splitlines()) == 1


def test_list_tells_of_each_secret_who_made_it_and_what_nobody_uses(credentials):
    made = create(credentials)
    credentials("rotate", made["id"], "--overlap", "1h")
    credentials("create", "--name", "other", "--permissions", "read:logs", "--tenant", "acme")

    [shown] = json.loads(credentials("list", "--tenant", made["tenant"], "--json"))
    newest, oldest = shown["secrets"]
    assert shown["created_by"] == f"local:{getpass.getuser()}"
    assert (newest["expires_at"], oldest["last_used_at"]) == (None, None)
    assert oldest["expires_at"] > oldest["created_at"]
    assert json.loads(credentials("list", "--state", "revoked", "--json")) == []
    assert json.loads(credentials("list", "--unused-for", "90d", "--json")) == []
    assert len(json.loads(credentials("list", "--unused-for", "0", "--json"))) == 2


def test_the_audit_log_can_be_read_of_one_tenant(credentials):
    create(credentials)
    credentials("create", "--name", "other", "--permissions", "read:logs", "--tenant", "rival")

    assert [entry["tenant"] for entry in json.loads(credentials("audit", "--tenant", "rival", "--json"))] == [
        "rival"
    ]
    assert len(json.loads(credentials("audit", "--json"))) == 2


def test_rotate_prints_a_further_secret(credentials, tmp_path):
    made = create(credentials)
    rotated = json.loads(credentials("rotate", made["id"], "--json"))
    newest = json.loads(credentials("rotate", made["id"], "--overlap", "0", "--json"))

    assert (rotated["live_secrets"], newest["live_secrets"]) == (2, 1)
    with closing(Identity.open(tmp_path)) as identity:
        store = identity.credentials
        good = [
            bool(store.authenticate_client(made["id"], Secret(one["client_secret"])))
            for one in (made, rotated, newest)
        ]
    assert good == [False, False, True]


def test_revoke_ends_a_credential(credentials):
    made = create(credentials)
    credentials("revoke", made["id"])

    assert json.loads(credentials("list", "--json"))[0]["revoked_at"].endswith("Z")
    assert credentials("list").splitlines()[1].endswith("revoked")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["create", "--name", "n", "--permissions", "write:all"], "write:metrics"),
        (["create", "--name", "", "--permissions", "write:traces"], "name"),
        (["create", "--name", "n", "--permissions", "write:traces", "--tenant", "a b"], "tenant"),
        (["revoke", "nobody"], "nobody"),
        (["rotate", "nobody"], "nobody"),
    ],
)
def test_a_mistake_is_explained(credentials, words, text):
    with pytest.raises(ConfigError, match=text):
        credentials(*words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["create"],
        ["create", "--name", "n", "--permissions", "write:traces", "--expires-in", "soon"],
        ["revoke"],
        ["destroy"],
    ],
)
def test_wrong_usage_ends_with_the_usage_status(words, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    with pytest.raises(SystemExit) as exited:
        parser.parse_args(words)
    assert exited.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_command_works_while_a_server_has_the_database_open(tmp_path):
    """Another process makes and revokes; this one, which keeps the store open, sees both."""

    def tollspan(*words):
        command = [
            sys.executable,
            "-m",
            "tollspan.cli",
            "credentials",
            *words,
            "--data-dir",
            tmp_path,
            "--json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    with closing(Identity.open(tmp_path)) as identity:
        store = identity.credentials
        made = tollspan("create", "--name", "n", "--permissions", "write:traces")
        secret = Secret(made["client_secret"])
        assert store.authenticate_client(made["client_id"], secret)
        tollspan("revoke", made["id"])
        assert store.authenticate_client(made["client_id"], secret) is None


def test_a_folder_that_no_gateway_has_is_told_to_who_creates_and_refused_to_everyone_else(tmp_path):
    def call(action, *words):
        command = [sys.executable, "-m", "tollspan.cli", "credentials", action, *words]
        place = ["--data-dir", str(tmp_path / "data")]
        return subprocess.run([*command, *place], capture_output=True, text=True, check=False)

    refused = call("list")
    assert (refused.returncode, list(tmp_path.iterdir())) == (2, [])
    assert refused.stderr.endswith("/data is not the data folder of a gateway\n")

    first, second = [call("create", "--name", "n", "--permissions", "read:traces") for _ in range(2)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stderr.endswith("/data is a new data folder: no gateway uses it yet\n")
    assert second.stderr == ""
