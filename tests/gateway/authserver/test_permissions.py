import pytest

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.permissions import PERMISSIONS, read_permissions


def test_the_vocabulary_is_the_documented_one():
    assert PERMISSIONS == (
        "write:traces", "write:metrics", "write:logs",
        "read:traces", "read:metrics", "read:logs", "read:costs",
        "manage:credentials", "manage:prices", "manage:settings",
    )  # fmt: skip


def test_permissions_come_in_canonical_order_and_once():
    assert read_permissions(["read:traces", "write:traces", "read:traces"]) == ("write:traces", "read:traces")


@pytest.mark.parametrize("names", [["write:trace"], ["write:traces", "admin"], [""], ["Write:traces"], ["*"]])
def test_an_unknown_permission_is_named_with_all_that_there_are(names):
    with pytest.raises(ConfigError) as raised:
        read_permissions(names)

    assert repr(next(name for name in names if name not in PERMISSIONS)) in str(raised.value)
    assert all(name in str(raised.value) for name in PERMISSIONS)


def test_no_permission_at_all_is_a_mistake():
    with pytest.raises(ConfigError, match="none given"):
        read_permissions([])
