import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tollspan.errors import TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.secret import Secret
from tollspan.oauth2.token_schedule import (
    PROBE_S,
    REFRESH_FROM,
    REFRESH_TO,
    RETRY_MAX_S,
    RETRY_MIN_S,
    Refuse,
    TokenSchedule,
    Use,
    Wait,
)

numbers = itertools.count()


def fresh(received_s, lifetime_s=100.0):
    return AccessToken(Secret(f"token-{next(numbers)}"), lifetime_s, received_s)


def trouble(*, terminal=False, after_s=None):
    return TokenRequestError(
        "no", "invalid_client" if terminal else "server_error", terminal=terminal, after_s=after_s
    )


def schedule(random=0.5):
    return TokenSchedule(lambda: random)


def with_token(now_s=0.0, random=0.5):
    made = schedule(random)
    assert made.decide(now_s) == Wait(start=True)
    made.succeeded(fresh(now_s), now_s)
    return made


def test_the_first_caller_starts_the_flight_and_the_others_wait():
    made = schedule()

    assert [made.decide(0.0) for _ in range(3)] == [Wait(start=True), Wait(start=False), Wait(start=False)]


@pytest.mark.parametrize("random", [0.0, 0.5, 0.999])
def test_a_token_is_used_quietly_until_it_is_due_and_then_refreshed_by_one_caller(random):
    made = with_token(random=random)
    due_s = 100 * (REFRESH_FROM + (REFRESH_TO - REFRESH_FROM) * random)

    assert made.decide(due_s - 0.01) == Use(made.access_token, start=False)
    assert made.decide(due_s) == Use(made.access_token, start=True)
    assert made.decide(due_s + 0.01) == Use(made.access_token, start=False)


def test_a_due_token_is_used_until_it_expires_while_fetches_fail():
    made = with_token()
    assert made.decide(90.0).start
    made.failed(trouble(), 90.5)

    assert isinstance(made.decide(99.9), Use)
    made.failed(trouble(), 99.95)
    assert isinstance(made.decide(100.0), Refuse)


def test_failures_double_the_wait_up_to_its_limit():
    made = schedule(random=1.0)
    waits = []
    now_s = 0.0
    for _ in range(10):
        made.decide(now_s)
        made.failed(trouble(), now_s)
        waits.append(made.retry_s - now_s)
        now_s = made.retry_s

    assert waits == [1, 2, 4, 8, 16, 32, RETRY_MAX_S, RETRY_MAX_S, RETRY_MAX_S, RETRY_MAX_S]


def test_the_wait_is_never_nothing():
    made = schedule(random=0.0)
    made.decide(0.0)
    made.failed(trouble(), 0.0)

    assert made.retry_s == RETRY_MIN_S


def test_callers_are_refused_at_once_until_the_wait_is_over():
    made = schedule(random=1.0)
    made.decide(0.0)
    error = trouble()
    made.failed(error, 0.0)

    assert made.decide(0.99) == Refuse(error)
    assert made.decide(1.0) == Wait(start=True)


def test_a_longer_wait_that_the_server_asks_for_is_kept():
    made = schedule()
    made.decide(0.0)
    made.failed(trouble(after_s=40.0), 0.0)

    assert made.retry_s == 40.0


def test_no_server_can_ask_for_ever():
    made = schedule()
    made.decide(0.0)
    made.failed(trouble(after_s=1e9), 0.0)

    assert made.retry_s == PROBE_S


def test_a_terminal_refusal_is_probed_slowly():
    made = schedule()
    made.decide(0.0)
    made.failed(trouble(terminal=True), 0.0)

    assert 0.8 * PROBE_S <= made.retry_s <= PROBE_S


def test_a_success_ends_the_waiting():
    made = schedule(random=1.0)
    for now_s in (0.0, 1.0, 3.0):
        assert made.decide(now_s).start
        made.failed(trouble(), now_s)
    assert made.decide(7.0).start
    made.succeeded(fresh(7.0), 7.0)

    assert (made.failures, made.error) == (0, None)


def test_a_token_that_arrives_expired_counts_as_a_failure():
    made = schedule()
    made.decide(0.0)
    made.succeeded(fresh(0.0, lifetime_s=5.0), 6.0)

    assert isinstance(made.decide(6.0), Refuse)
    assert made.failures == 1


def test_a_rejected_token_is_replaced_at_once_and_only_once():
    made = with_token()
    rejected = made.access_token

    assert [made.invalidate(rejected, 1.0) for _ in range(10)] == [True] + [False] * 9
    assert made.decide(1.0) == Wait(start=True)
    made.succeeded(fresh(1.0), 1.0)
    assert not made.invalidate(rejected, 1.1)
    assert isinstance(made.decide(1.1), Use)


def test_rejected_fresh_tokens_back_off_like_failures():
    made = with_token(random=1.0)
    starts = []
    now_s = 1.0
    while now_s < 200.0:
        decision = made.decide(now_s)
        if isinstance(decision, Use):
            made.invalidate(decision.access_token, now_s)
        elif isinstance(decision, Wait):
            starts.append(now_s)
            made.succeeded(fresh(now_s), now_s)
        else:
            assert decision.error.code == "invalid_token"
            now_s += 0.5

    assert starts == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 124.0, 184.0]


def test_a_rejection_long_after_the_last_one_is_again_the_first():
    made = with_token(random=1.0)
    made.invalidate(made.access_token, 1.0)
    made.decide(1.0)
    made.succeeded(fresh(1.0), 1.0)
    assert made.decide(95.0).start  # it lived its life
    made.succeeded(fresh(95.0), 95.0)
    made.invalidate(made.access_token, 96.0)

    assert made.decide(96.0) == Wait(start=True)


def test_a_forked_child_starts_its_own_flight_and_keeps_the_token():
    made = with_token()
    assert made.decide(95.0).start
    made.forget_flight()

    assert made.decide(95.0) == Use(made.access_token, start=True)


class Schedule(RuleBasedStateMachine):
    """Any interleaving of callers, flights and time."""

    @initialize(seed=st.randoms(use_true_random=False))
    def begin(self, seed):
        self.now_s = 0.0
        self.schedule = TokenSchedule(seed.random)
        self.flights = 0
        self.asked_s = 0.0
        self.starts = []
        self.failures_in_a_row = 0
        self.rejected = set()

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds):
        self.now_s += seconds

    @rule()
    def somebody_asks(self):
        before = self.schedule.access_token
        decision = self.schedule.decide(self.now_s)
        if isinstance(decision, Use):
            assert not decision.access_token.expired(self.now_s)
            assert decision.access_token.value not in self.rejected
            if not decision.start and self.flights == 0 and self.schedule.retry_s <= self.now_s:
                assert self.now_s < before.refresh_at_s(REFRESH_TO), "nobody refreshes a token that is due"
        else:
            assert before is None or before.expired(self.now_s), "a valid token was not given"
        if isinstance(decision, Refuse):
            assert self.now_s < self.schedule.retry_s
        elif decision.start:
            assert self.flights == 0, "two flights at once"
            assert self.now_s >= self.schedule.retry_s
            self.flights = 1
            self.asked_s = self.now_s
            self.starts.append(self.now_s)
        else:
            assert isinstance(decision, Use) or self.flights == 1, "waits for no flight"

    @precondition(lambda self: self.flights)
    @rule(lifetime_s=st.floats(1, 1000))
    def the_flight_succeeds(self, lifetime_s):
        self.schedule.succeeded(fresh(self.asked_s, lifetime_s), self.now_s)
        self.flights = 0

    @precondition(lambda self: self.flights)
    @rule(terminal=st.booleans(), after_s=st.none() | st.floats(0, 1e6))
    def the_flight_fails(self, terminal, after_s):
        self.schedule.failed(trouble(terminal=terminal, after_s=after_s), self.now_s)
        self.flights = 0
        wait_s = self.schedule.retry_s - self.now_s
        assert (0.79 * PROBE_S if terminal else RETRY_MIN_S * 0.99) <= wait_s <= PROBE_S * 1.001
        if not terminal and after_s is not None:
            assert wait_s >= min(after_s, PROBE_S) - 1e-6

    @precondition(lambda self: self.schedule.access_token)
    @rule()
    def the_destination_rejects_the_token(self):
        token = self.schedule.access_token
        assert self.schedule.invalidate(token, self.now_s)
        assert not self.schedule.invalidate(token, self.now_s)
        self.rejected.add(token.value)

    @rule()
    def the_process_forks(self):
        self.schedule.forget_flight()
        self.flights = 0

    @invariant()
    def nothing_waits_for_ever(self):
        assert self.schedule.retry_s - self.now_s <= PROBE_S * 1.001


TestSchedule = Schedule.TestCase
TestSchedule.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
