import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.oauth2.principal import Principal
from tollspan.oauth2.verified_cache import TTL_S, VerifiedCache


def principal(subject="a", expires_s=math.inf):
    return Principal(subject, "default", frozenset(), expires_s=expires_s)


def cache_with(proof, who, now_s=0.0):
    cache = VerifiedCache()
    cache.put(proof, who, now_s, cache.epoch)
    return cache


def test_what_was_proved_is_known_for_a_minute():
    cache = cache_with("proof", principal())

    assert cache.get("proof", TTL_S - 0.1) == principal()
    assert cache.get("proof", TTL_S) is None
    assert cache.get("other", 0.0) is None


def test_nothing_is_known_longer_than_its_proof_is_good():
    cache = cache_with("proof", principal(expires_s=5.0))

    assert cache.get("proof", 4.9) is not None
    assert cache.get("proof", 5.0) is None


def test_clear_forgets_everything():
    cache = cache_with("proof", principal())
    cache.clear()

    assert cache.get("proof", 0.0) is None


def test_a_proof_that_began_before_a_clear_is_not_remembered():
    cache = VerifiedCache()
    epoch = cache.epoch
    cache.clear()
    cache.put("proof", principal(), 0.0, epoch)

    assert cache.get("proof", 0.0) is None


@pytest.mark.parametrize("proof", ["\udcff", "\x00", ""])
def test_any_text_can_be_asked_for(proof):
    assert cache_with(proof, principal()).get(proof, 0.0) is not None


@given(st.lists(st.text(max_size=2), max_size=50))
def test_it_holds_the_newest_and_never_more_than_its_limit(proofs):
    cache = VerifiedCache(entries_max=5)
    for proof in proofs:
        cache.put(proof, principal(proof), 0.0, cache.epoch)
    newest = list(dict.fromkeys(reversed(proofs)))[:5]

    assert {proof for proof in proofs if cache.get(proof, 0.0)} == set(newest)
    assert all(cache.get(proof, 0.0).subject == proof for proof in newest)


def test_no_proof_is_held():
    cache = cache_with("s3cr3t", principal())

    assert "s3cr3t" not in repr(vars(cache))
