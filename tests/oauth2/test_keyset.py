import threading

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tollspan.oauth2.keyset import FRESH_S, KEYS_MAX, STALE_S_MAX, KeySet, RotatingKeySet


def ec(kid):
    return ECKey.generate_key("P-256", {"kid": kid}).as_dict(private=False)


RSA = RSAKey.generate_key(2048, {"kid": "rsa"}).as_dict(private=False)


def test_rsa_and_ec_keys_are_found_by_their_ids():
    keys = KeySet.from_jwks({"keys": [RSA, ec("ec")]})

    assert isinstance(keys.find("rsa"), RSAKey)
    assert isinstance(keys.find("ec"), ECKey)
    assert keys.find("other") is None


@pytest.mark.parametrize(
    "entry",
    [
        OctKey.generate_key(256, {"kid": "x"}).as_dict(private=True),
        OKPKey.generate_key("Ed25519", {"kid": "x"}).as_dict(private=False),
        RSA | {"kid": "x", "use": "enc"},
        RSA | {"kid": "x", "n": RSA["n"][:170]},
        RSA | {"kid": "x", "n": 5},
        RSA | {"kid": "x", "e": "!"},
        {name: value for name, value in RSA.items() if name != "kid"},
        RSA | {"kid": 5},
        ec("x") | {"x": "AAAA"},
        ec("x") | {"crv": "P-000"},
        {"kty": "AKP", "kid": "x", "alg": "ML-DSA-44", "pub": "AA"},
        {"kid": "x"},
        {"kty": []},
        None,
        [],
        "x",
    ],
)
def test_a_key_that_cannot_verify_is_left_out_and_the_rest_stays(entry):
    keys = KeySet.from_jwks({"keys": [entry, ec("good")]})

    assert keys.find("x") is None
    assert keys.find("good") is not None


@pytest.mark.parametrize("jwks", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_a_document_without_keys_has_none(jwks):
    assert KeySet.from_jwks(jwks).find("x") is None


def test_of_two_keys_with_one_id_the_first_wins():
    first, second = ec("same"), ec("same")

    assert KeySet.from_jwks({"keys": [first, second]}).find("same").as_dict()["x"] == first["x"]


def test_a_document_is_read_up_to_its_limit():
    keys = KeySet.from_jwks({"keys": [None] * KEYS_MAX + [ec("beyond")]})

    assert keys.find("beyond") is None


class Issuer:
    def __init__(self):
        self.keys = [ec("one")]
        self.fetches = 0
        self.answer = None
        self.now_s = 0.0

    def fetch(self):
        self.fetches += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or {"keys": self.keys}

    def keyset(self):
        return RotatingKeySet(self.fetch, cooldown_s=30.0, clock=lambda: self.now_s)


def test_known_keys_are_fetched_once():
    issuer = Issuer()
    keys = issuer.keyset()

    assert all(keys.find("one") for _ in range(10))
    assert issuer.fetches == 1


def test_a_new_key_is_found_after_the_cooldown_and_the_old_one_goes():
    issuer = Issuer()
    keys = issuer.keyset()
    keys.find("one")
    issuer.keys = [ec("two")]

    assert keys.find("two") is None
    issuer.now_s = 30.0
    assert keys.find("two") is not None
    assert keys.find("one") is None


def test_unknown_ids_cause_one_fetch_per_cooldown():
    issuer = Issuer()
    keys = issuer.keyset()
    for number in range(1000):
        keys.find(f"unknown-{number}")
    issuer.now_s = 30.0
    for number in range(1000):
        keys.find(f"unknown-{number}")

    assert issuer.fetches == 2


@pytest.mark.parametrize(
    "answer", [OSError("unreachable"), ["x"], 5, {"keys": None}, {"keys": [{"kty": "oct"}]}]
)
def test_a_broken_issuer_costs_no_key_that_is_known(answer, caplog):
    issuer = Issuer()
    keys = issuer.keyset()
    keys.find("one")
    issuer.now_s = 30.0
    issuer.answer = answer

    assert keys.find("two") is None
    assert keys.find("one") is not None
    assert issuer.fetches == 2
    assert "the known ones stay" in caplog.text


def test_threads_that_need_the_first_keys_wait_for_one_fetch():
    issuer = Issuer()
    keys = issuer.keyset()
    ready = threading.Barrier(10)
    found = []

    def find():
        ready.wait(30)
        found.append(keys.find("one") is not None)

    threads = [threading.Thread(target=find) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert found == [True] * 10
    assert issuer.fetches == 1


def test_a_withdrawn_key_is_noticed_within_the_hour():
    issuer = Issuer()
    keys = issuer.keyset()
    assert keys.find("one")
    issuer.keys = [ec("two")]
    issuer.now_s = FRESH_S
    assert keys.find("one")
    issuer.now_s += 1

    assert keys.find("one") is None


def test_keys_that_cannot_be_fetched_anew_for_a_day_count_no_more():
    issuer = Issuer()
    keys = issuer.keyset()
    assert keys.find("one")
    issuer.answer = OSError("unreachable")
    issuer.now_s = STALE_S_MAX
    assert keys.find("one")
    issuer.now_s += 1
    assert keys.find("one") is None
    issuer.answer, issuer.now_s = None, issuer.now_s + 30

    assert keys.find("one")


def test_who_needs_a_known_key_does_not_wait_for_a_fetch_under_way():
    issuer = Issuer()
    keys = issuer.keyset()
    keys.find("one")
    issuer.now_s = FRESH_S + 1
    fetching, released = threading.Event(), threading.Event()

    def fetch():
        fetching.set()
        assert released.wait(30)
        return {"keys": issuer.keys}

    keys._fetch = fetch
    slow = threading.Thread(target=keys.find, args=("one",))
    slow.start()
    assert fetching.wait(30)
    assert keys.find("one")
    released.set()
    slow.join(30)
