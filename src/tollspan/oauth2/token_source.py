"""Always an access token at hand, for any number of threads: one fetch at a time, ahead of expiry."""

from __future__ import annotations

import logging
import os
import random as _random
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from tollspan.errors import TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.token_schedule import Refuse, TokenSchedule, Use, Wait

_log = logging.getLogger("tollspan")


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """How a token source is doing.

    `fetches` counts requests to the token endpoint, `failures` those that have failed since
    the last success, `rejections` tokens that the destination refused. Ages are None
    without a token, `retry_in_s` while nothing delays the next fetch.
    """

    fetches: int
    failures: int
    rejections: int
    token_age_s: float | None
    expires_in_s: float | None
    retry_in_s: float | None
    error: str | None


class TokenSource:
    """Gives every caller a valid access token, fetched by `fetch` when none is or one is due.

    `fetch` makes one bounded token request and returns the token or raises
    TokenRequestError; it is called on a short-lived thread, never twice at once, and
    without any lock held. A token is fetched anew when 75 to 90 % of its life has passed and
    someone asks; it is used until it expires. A source needs no closing and may cross a fork.
    """

    def __init__(
        self,
        fetch: Callable[[], AccessToken],
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._schedule = TokenSchedule(random)
        self._changed = threading.Condition()
        self._fetches = 0
        self._rejections = 0
        self._reported = ""
        _sources.add(self)

    def token(self, timeout_s: float | None = None) -> AccessToken:
        """A token that has not expired, at once when there is one.

        Else waits up to `timeout_s` seconds (None: as long as `fetch` takes) for the fetch
        under way. Raises TokenRequestError when it fails or takes longer, and at once while
        it is too early to ask the token endpoint again.
        """
        deadline_s = None if timeout_s is None else self._clock() + timeout_s
        while True:
            with self._changed:
                decision = self._schedule.decide(self._clock())
                if isinstance(decision, Wait) and not decision.start:
                    self._wait(deadline_s)
            if isinstance(decision, Refuse):
                # A copy, so that callers on several threads do not share one traceback.
                raise _copy(decision.error)
            if decision.start:
                self._start_flight()
            if isinstance(decision, Use):
                return decision.access_token

    def invalidate(self, access_token: AccessToken) -> None:
        """The destination refused `access_token` (401): the next caller gets another one.

        Compares by value, so many threads may report the same token and cause one fetch.
        """
        with self._changed:
            self._rejections += self._schedule.invalidate(access_token, self._clock())

    def status(self) -> TokenStatus:
        """A snapshot for people and metrics; holds no secret."""
        with self._changed:
            now_s = self._clock()
            access_token = self._schedule.access_token
            error = self._schedule.error
            return TokenStatus(
                fetches=self._fetches,
                failures=self._schedule.failures,
                rejections=self._rejections,
                token_age_s=now_s - access_token.received_s if access_token else None,
                expires_in_s=access_token.refresh_at_s(1) - now_s if access_token else None,
                retry_in_s=self._schedule.retry_s - now_s if self._schedule.retry_s > now_s else None,
                error=str(error) if error else None,
            )

    def _wait(self, deadline_s: float | None) -> None:
        left_s = None if deadline_s is None else deadline_s - self._clock()
        if left_s is not None and left_s <= 0:
            raise TokenRequestError("the token endpoint has not answered in time", "timeout")
        self._changed.wait(left_s)

    def _start_flight(self) -> None:
        try:
            threading.Thread(target=self._fly, name="tollspan-token", daemon=True).start()
        except RuntimeError:
            # A process that is exiting, or out of threads, can still flush: its caller fetches.
            self._fly()

    def _fly(self) -> None:
        """Fetch once and report the end of the flight, whatever happens."""
        try:
            outcome: AccessToken | TokenRequestError = self._fetch()
        except TokenRequestError as error:
            outcome = error
        except BaseException as error:
            # Its text may quote the request, and the request holds the secret.
            outcome = TokenRequestError(f"the token request broke: {type(error).__name__}", "request_failed")
            if not isinstance(error, Exception):
                raise
        finally:
            self._land(outcome)

    def _land(self, outcome: AccessToken | TokenRequestError) -> None:
        with self._changed:
            self._fetches += 1
            if isinstance(outcome, AccessToken):
                self._schedule.succeeded(outcome, self._clock())
            else:
                self._schedule.failed(outcome, self._clock())
            self._changed.notify_all()
            error = self._schedule.error
            news = self._reported != (code := error.code if error else "")
            self._reported = code
        if news:
            _report(error)

    def after_fork(self) -> None:
        """In a child: nobody holds the lock and nobody flies, but the token is still good.

        Python's hook for forks calls this; whoever forks without hooks has to.
        """
        self._changed = threading.Condition()
        self._schedule.forget_flight()


def _copy(error: TokenRequestError) -> TokenRequestError:
    return TokenRequestError(
        error.description, error.code, status=error.status, after_s=error.after_s, terminal=error.terminal
    )


def _report(error: TokenRequestError | None) -> None:
    """Log a change of state, once."""
    if error is None:
        _log.info("the token endpoint gives access tokens again")
    elif error.terminal:
        _log.error("no access token, and none until the configuration changes: %s", error)
    else:
        _log.warning("no new access token, will keep asking: %s", error)


_sources: weakref.WeakSet[TokenSource] = weakref.WeakSet()


def _reset_after_fork() -> None:
    for source in list(_sources):
        source.after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork.
    os.register_at_fork(after_in_child=_reset_after_fork)
