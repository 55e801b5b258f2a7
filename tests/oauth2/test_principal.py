import pytest

from tollspan.errors import InsufficientScopeError
from tollspan.oauth2.principal import Principal

PRINCIPAL = Principal("a", "default", frozenset({"write:traces"}), frozenset({"shop"}))


def test_a_granted_permission_is_not_refused():
    PRINCIPAL.require("write:traces")


def test_a_missing_permission_is_named():
    with pytest.raises(InsufficientScopeError) as refusal:
        PRINCIPAL.require("read:traces")

    assert refusal.value.permission == "read:traces"


def test_only_its_datasets_are_open_to_it():
    assert PRINCIPAL.may_use("shop")
    assert not PRINCIPAL.may_use("billing")


def test_without_datasets_every_one_is_open():
    assert Principal("a", "default", frozenset()).may_use("anything")


def test_when_its_proof_ends_does_not_change_who_it_is():
    later = Principal("a", "default", frozenset({"write:traces"}), frozenset({"shop"}), expires_s=5.0)

    assert later == PRINCIPAL
