from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tollspan.otlp.backoff import backoff_s


def test_the_ceiling_doubles_with_each_attempt_up_to_the_maximum() -> None:
    waits = [backoff_s(n, initial_s=1, max_s=10, random=lambda: 1.0) for n in range(1, 7)]
    assert waits == [1, 2, 4, 8, 10, 10]


def test_the_wait_is_a_random_part_of_the_ceiling() -> None:
    assert backoff_s(3, initial_s=1, max_s=10, random=lambda: 0.25) == 1.0
    assert backoff_s(3, initial_s=1, max_s=10, random=lambda: 0.0) == 0.0


@given(
    attempt=st.integers(1, 10**9),
    initial_s=st.floats(0.001, 60),
    max_s=st.floats(0.001, 3600),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_no_attempt_waits_longer_than_the_maximum(
    attempt: int, initial_s: float, max_s: float, chance: float
) -> None:
    assert 0 <= backoff_s(attempt, initial_s=initial_s, max_s=max_s, random=lambda: chance) <= max_s
