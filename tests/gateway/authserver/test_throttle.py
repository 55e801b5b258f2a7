import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.gateway.authserver.throttle import SignInLimits, Throttle, name_source


def test_a_burst_passes_and_then_one_per_interval(clock):
    throttle = Throttle(burst=3, per_s=0.5, clock=clock)

    assert [throttle.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
    clock.now_s += 1.0
    assert throttle.take("a") == pytest.approx(1.0)
    clock.now_s += 1.0
    assert throttle.take("a") == 0.0


def test_keys_do_not_hinder_each_other(clock):
    throttle = Throttle(burst=1, per_s=1, clock=clock)

    assert throttle.take("a") == 0.0
    assert throttle.take("a") > 0
    assert throttle.take("b") == 0.0


def test_the_key_unused_for_longest_makes_room(clock):
    throttle = Throttle(burst=1, per_s=0.001, keys_max=2, clock=clock)
    for key in ("a", "b", "a", "c"):
        throttle.take(key)

    assert throttle.take("a") > 0
    assert throttle.take("b") == 0.0


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_no_more_pass_than_the_burst_and_the_rate_allow(pauses):
    now_s = [0.0]
    throttle = Throttle(burst=5, per_s=0.5, clock=lambda: now_s[0])
    passed = 0
    for pause_s in pauses:
        now_s[0] += pause_s
        passed += throttle.take("a") == 0.0

    assert passed <= 5 + now_s[0] * 0.5 + 1e-6


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_network_of_one_owner_is_one_source(host, key):
    assert name_source(host) == key


def test_many_sources_take_no_more_memory_than_the_table_has():
    limits = SignInLimits()
    for number in range(20_000):
        limits.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"{number}@b")

    assert len(limits._of_account._buckets) == len(limits._of_source._buckets) == 10_000


def test_passwords_are_tried_a_few_times_by_account_and_a_few_more_by_address():
    limits = SignInLimits()

    assert [bool(limits.take("10.0.0.1", email)) for email in ["ada@b"] * 10 + ["ADA@b"]] == [False] * 10 + [
        True
    ]
    assert not limits.take("10.0.0.2", "ada@b")
    assert not limits.take("10.0.0.1", "bob@b")
    assert [bool(limits.take("10.0.0.1", f"{n}@b")) for n in range(200)][-1]
