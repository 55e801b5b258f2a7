import json
import stat

import pytest
from joserfc.errors import JoseError

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.key_file import FILE_NAME, KeyFile, make_key
from tollspan.oauth2.secret import Secret

NONE, GOOD, OTHER = Secret(""), Secret("correct horse battery staple"), Secret("wrong donkey battery staple")


def test_without_a_passphrase_it_is_a_jwk_set_for_its_owner_alone(tmp_path):
    file = KeyFile(tmp_path / "new", NONE)
    file.make()

    assert [jwk["kid"] for jwk in json.loads(file.path.read_text())["keys"]] == list(file.read())
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_with_a_passphrase_nothing_of_a_key_can_be_read_without_it(tmp_path):
    file = KeyFile(tmp_path, GOOD)
    file.make()
    [key] = file.read().values()

    content = file.path.read_text()
    assert key.as_dict(private=True)["d"] not in content
    assert "keys" not in content
    with pytest.raises(ConfigError, match=r"is encrypted \(set TOLLSPAN_GATEWAY_KEY_PASSPHRASE\)"):
        KeyFile(tmp_path, NONE).read()
    with pytest.raises(ConfigError, match="holds no usable signing keys") as refusal:
        KeyFile(tmp_path, OTHER).read()
    assert not isinstance(refusal.value.__cause__, JoseError)
    assert GOOD.reveal() not in repr(vars(file)) + str(refusal.value)


def test_a_file_from_before_the_passphrase_is_encrypted_with_the_same_keys(tmp_path):
    plain, encrypted = KeyFile(tmp_path, NONE), KeyFile(tmp_path, GOOD)
    plain.make()
    before, stamp = plain.read(), plain.stamp()
    encrypted.make()

    assert list(encrypted.read()) == list(before)
    assert (encrypted.stamp() != stamp, encrypted.path.read_bytes()[:2]) == (True, b"ey")


def test_keys_are_replaced_at_once_and_nothing_else_is_left(tmp_path):
    file = KeyFile(tmp_path, GOOD)
    file.make()
    keys = [make_key(), make_key()]
    file.replace(keys)

    assert list(file.read()) == [key.kid for key in keys]
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"keys":[]}', '{"keys":[{"kty":"RSA"}]}', "eyJ.x"])
def test_a_damaged_file_is_named_and_kept(tmp_path, content):
    file = KeyFile(tmp_path, GOOD)
    file.path.write_text(content)

    with pytest.raises(ConfigError, match=FILE_NAME):
        file.read()
    assert file.path.read_text() == content
