import math

import pytest

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.credential import Credential, CredentialDraft, IssuedSecret
from tollspan.oauth2.principal import Principal
from tollspan.oauth2.secret import Secret


def credential(**changes):
    values = {
        "id": "a",
        "kind": "oauth2",
        "name": "n",
        "tenant": "acme",
        "datasets": ("shop",),
        "permissions": ("write:traces",),
        "created_s": 0.0,
        "expires_s": None,
        "revoked_s": None,
        "last_used_s": None,
        "live_secrets": 1,
        "refreshable": False,
        "created_by": "local",
    }
    return Credential(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "live"),
    [({}, True), ({"revoked_s": 1.0}, False), ({"expires_s": 10.0}, False), ({"expires_s": 10.1}, True)],
)
def test_it_is_live_until_revoked_or_expired(changes, live):
    assert credential(**changes).is_live(10.0) is live


def test_its_principal_has_all_that_it_may_do():
    assert credential().principal() == Principal(
        "a", "acme", frozenset({"write:traces"}), frozenset({"shop"})
    )


def test_its_principal_lasts_as_long_as_it_does():
    assert credential().principal().expires_s == math.inf
    assert credential(expires_s=5.0).principal().expires_s == 5.0


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\x1b[31m"}, "name"),
        ({"permissions": ()}, "permissions"),
        ({"permissions": ("write:everything",)}, "permissions"),
        ({"kind": "password"}, "kind"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": "a b"}, "tenant"),
        ({"tenant": "../x"}, "tenant"),
        ({"tenant": "x" * 64}, "tenant"),
        ({"datasets": ("good", "ünï")}, "datasets"),
        ({"expires_in_s": 0.0}, "expires_in"),
        ({"expires_in_s": -1.0}, "expires_in"),
        ({"expires_in_s": float("nan")}, "expires_in"),
        ({"expires_in_s": float("inf")}, "expires_in"),
    ],
)
def test_a_wrong_field_of_a_draft_is_named(changes, path):
    with pytest.raises(ConfigError) as raised:
        CredentialDraft(**({"name": "n", "permissions": ("write:traces",)} | changes))

    assert raised.value.path == path


def test_an_issued_secret_is_not_shown():
    assert "s3cr3t" not in repr(IssuedSecret(credential(), Secret("s3cr3t")))
