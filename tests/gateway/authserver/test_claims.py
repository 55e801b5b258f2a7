import pytest
from joserfc.errors import ClaimError

from tollspan.gateway.authserver.claims import read_name, read_words

CLAIMS = {"org": {"name": "acme"}, "org.x": "direct", "scope": "a b", "groups": ["a", "b"], "bad": ["a", 1]}


@pytest.mark.parametrize(("path", "name"), [("org.name", "acme"), ("org.x", "direct")])
def test_a_name_is_found_at_its_path_and_a_claim_of_that_very_name_first(path, name):
    assert read_name(CLAIMS, path) == name


@pytest.mark.parametrize("path", ["", "none", "org", "org.none", "scope", "groups", "scope.a"])
def test_what_cannot_be_a_tenants_name_is_refused(path):
    with pytest.raises(ClaimError):
        read_name(CLAIMS, path)


@pytest.mark.parametrize(("path", "words"), [("scope", ["a", "b"]), ("groups", ["a", "b"]), ("none", [])])
def test_words_are_in_a_text_or_a_list(path, words):
    assert read_words(CLAIMS, path) == words


@pytest.mark.parametrize("path", ["bad", "org"])
def test_anything_else_holds_no_words(path):
    with pytest.raises(ClaimError):
        read_words(CLAIMS, path)
