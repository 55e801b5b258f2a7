import copy
import logging
import pickle

import pytest

from tollspan.oauth2.secret import Secret


@pytest.mark.parametrize(
    "show", [str, repr, "{}".format, "{:>20}".format, lambda secret: f"{secret!r}", ascii]
)
def test_every_way_of_printing_shows_the_same(show):
    assert show(Secret("hunter2")) == "[REDACTED]"


def test_logging_shows_no_text(caplog):
    logging.getLogger("test").error("%s %r", Secret("hunter2"), {"secret": Secret("hunter2")})

    assert "hunter2" not in caplog.text


def test_reveal_gives_the_text():
    assert Secret("hunter2").reveal() == "hunter2"


@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy])
def test_it_can_be_neither_pickled_nor_copied_away(write):
    with pytest.raises(TypeError, match="cannot be pickled"):
        write(Secret("hunter2"))


@pytest.mark.parametrize("text", ["", "hunter2", "pässword", "\udcff surrogate"])
def test_secrets_are_equal_when_their_texts_are(text):
    assert Secret(text) == Secret(text)
    assert hash(Secret(text)) == hash(Secret(text))
    assert Secret(text) != Secret(text + "x")


def test_a_secret_equals_no_plain_text():
    assert Secret("hunter2") != "hunter2"
