import json
import stat
import threading

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tollspan.errors import ConfigError
from tollspan.gateway.authserver.signing_keys import FILE_NAME, SigningKeys


def test_keys_are_made_once_and_loaded_ever_after(tmp_path):
    made = SigningKeys.open(tmp_path / "new")

    assert SigningKeys.open(tmp_path / "new").jwks() == made.jwks()


def test_the_file_is_for_its_owner_only_and_nothing_else_is_left(tmp_path):
    SigningKeys.open(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_the_key_id_is_the_thumbprint(signing_keys):
    [jwk] = signing_keys.jwks()["keys"]

    assert signing_keys.kid == jwk["kid"] == RSAKey.import_key(jwk).thumbprint()


def test_only_public_parts_are_published(signing_keys):
    [jwk] = signing_keys.jwks()["keys"]

    assert set(jwk) == {"kty", "n", "e", "kid", "use", "alg"}
    assert (jwk["use"], jwk["alg"]) == ("sig", "RS256")


def test_a_signature_is_good_by_the_published_keys(signing_keys):
    token = signing_keys.sign({"sub": "a"})
    decoded = jwt.decode(token, KeySet.import_key_set(signing_keys.jwks()), algorithms=["RS256"])

    assert decoded.claims == {"sub": "a"}
    assert decoded.header == {"typ": "at+jwt", "alg": "RS256", "kid": signing_keys.kid}


def test_of_several_keys_always_the_current_one_signs_and_all_are_published(tmp_path):
    keys = [RSAKey.generate_key(2048, auto_kid=True) for _ in range(3)]
    document = {"current": keys[1].kid, "keys": [key.as_dict(private=True) for key in keys]}
    (tmp_path / FILE_NAME).write_text(json.dumps(document))
    loaded = SigningKeys.open(tmp_path)
    published = KeySet.import_key_set(loaded.jwks())

    tokens = [loaded.sign({"n": n}) for n in range(10)]
    assert {jwt.decode(token, published, algorithms=["RS256"]).header["kid"] for token in tokens} == {
        keys[1].kid
    }
    assert {jwk["kid"] for jwk in loaded.jwks()["keys"]} == {key.kid for key in keys}
    assert all(loaded.keyset().find(key.kid) for key in keys)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"current":"x","keys":[]}', '{"current":"x","keys":[{"kty":"RSA"}]}']
)
def test_a_damaged_file_is_named_and_kept(tmp_path, content):
    (tmp_path / FILE_NAME).write_text(content)

    with pytest.raises(ConfigError, match=FILE_NAME):
        SigningKeys.open(tmp_path)

    assert (tmp_path / FILE_NAME).read_text() == content


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    ready = threading.Barrier(4)
    kids = []

    def start():
        ready.wait(30)
        kids.append(SigningKeys.open(tmp_path).kid)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(kids) == 4
    assert len(set(kids)) == 1
