import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.gateway.authserver import secret_text
from tollspan.oauth2.secret import Secret

ID = "abcdefghjk234567"


def test_an_api_key_has_the_shape_that_scanners_look_for():
    assert re.fullmatch(rf"ts_live_{ID}_[0-9A-Za-z]{{49}}", secret_text.new_api_key(ID).reveal())


def test_a_client_secret_needs_no_encoding_anywhere():
    assert re.fullmatch(r"ts_secret_[0-9A-Za-z]{49}", secret_text.new_client_secret().reveal())


def test_ids_and_secrets_do_not_repeat():
    assert len({secret_text.new_id() for _ in range(1000)}) == 1000
    assert len({secret_text.new_client_secret().reveal() for _ in range(1000)}) == 1000


def test_the_id_is_read_back_from_a_key():
    assert secret_text.read_api_key_id(secret_text.new_api_key(ID).reveal()) == ID


def test_a_mistyped_key_is_noticed_by_its_checksum():
    key = secret_text.new_api_key(ID).reveal()

    for place in range(len(key)):
        other = "a" if key[place] != "a" else "b"
        assert secret_text.read_api_key_id(key[:place] + other + key[place + 1 :]) is None


@given(st.text())
@pytest.mark.parametrize("prefix", ["", "ts_live_", f"ts_live_{ID}_"])
def test_any_other_text_is_no_key(prefix, text):
    assert secret_text.read_api_key_id(prefix + text) is None


def test_what_is_stored_is_a_digest():
    secret = secret_text.new_client_secret()

    assert len(secret_text.digest(secret)) == 32
    assert secret_text.digest(secret) == secret_text.digest(Secret(secret.reveal()))
    assert secret_text.digest(secret) != secret_text.digest(Secret(secret.reveal() + "x"))
