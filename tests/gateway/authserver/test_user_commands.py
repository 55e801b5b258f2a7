import argparse
import io
import json
from contextlib import closing

import pytest

from tollspan.gateway.authserver.identity import Identity
from tollspan.gateway.authserver.user_commands import add_arguments, run
from tollspan.oauth2.secret import Secret

PASSWORD = "correct horse battery"


@pytest.fixture
def users(tmp_path, capsys, monkeypatch):
    """Runs `tollspan users ...` with a password on standard input and returns what it printed."""

    def call(*words, password=PASSWORD):
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        assert run(parser.parse_args([*words, "--data-dir", str(tmp_path)])) == 0
        return capsys.readouterr().out

    return call


def roles(printed):
    return {user["email"]: user["roles"] for user in json.loads(printed)}


def test_an_account_is_made_changed_shown_and_removed(users):
    assert roles(users("create", "ada@example.com", "--role", "owner", "--json")) == {
        "ada@example.com": {"default": "owner"}
    }
    users("grant", "ada@example.com", "--tenant", "acme")
    listed = users("list", "--json")
    assert roles(listed) == {"ada@example.com": {"acme": "viewer", "default": "owner"}}
    assert users("list").splitlines()[1] == "ada@example.com  viewer of acme, owner of default"
    users("remove", "ada@example.com")

    assert roles(users("list", "--json")) == {}


def test_the_password_is_read_and_never_shown(users, tmp_path):
    printed = users("create", "ada@example.com")
    printed += users("set-password", "ada@example.com", password="another long password")
    with closing(Identity.open(tmp_path)) as identity:
        assert identity.users.authenticate("ada@example.com", Secret("another long password"))
        assert not identity.users.authenticate("ada@example.com", Secret(PASSWORD))

    assert "password" not in printed
    assert PASSWORD not in printed
