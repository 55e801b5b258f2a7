"""When to fetch an access token, and what a caller gets meanwhile: decisions without threads, I/O or clock.

At most one fetch is under way ("the flight"). A shell calls `decide` for every caller,
starts the flight when told to, and reports its end with `succeeded` or `failed`. It
passes its monotonic clock's reading each time and serialises the calls.

    no token ──decide──▶ flight ──succeeded──▶ fresh ──75 to 90 % of its life──▶ due ──decide──▶ flight
                            └────failed────▶ waiting (back-off) ──decide──▶ flight

A token that is due but still valid goes on being used, also while fetches fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tollspan.errors import TokenRequestError
from tollspan.oauth2.access_token import AccessToken

REFRESH_FROM, REFRESH_TO = 0.75, 0.9
"""The part of a token's life after which it is due, drawn per token so that a fleet spreads out."""

RETRY_MIN_S, RETRY_INITIAL_S, RETRY_MAX_S = 0.1, 1.0, 60.0

PROBE_S = 300.0
"""About how often to ask again after a terminal refusal; also the longest Retry-After honoured."""


@dataclass(frozen=True, slots=True)
class Use:
    """Use this token now; `start` tells this caller to start a flight as well."""

    access_token: AccessToken
    start: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until the flight ends, then decide again; `start` tells this caller to start it."""

    start: bool


@dataclass(frozen=True, slots=True)
class Refuse:
    """There is no valid token, and it is too early to ask again."""

    error: TokenRequestError


class TokenSchedule:
    """The state between two decisions. `random` returns floats in [0, 1).

    A token is due `expiry_buffer_s` before its end, or later than that when its life is short.
    """

    def __init__(self, random: Callable[[], float], expiry_buffer_s: float = math.inf) -> None:
        self._random = random
        self._expiry_buffer_s = expiry_buffer_s
        self._access_token: AccessToken | None = None
        self._in_flight = False
        self._due_s = math.inf
        self._retry_s = -math.inf
        self._failures = 0
        self._rejections = 0
        self._error: TokenRequestError | None = None

    @property
    def access_token(self) -> AccessToken | None:
        """The token in hand, valid or not."""
        return self._access_token

    @property
    def error(self) -> TokenRequestError | None:
        """Why the last fetch or the last token was no good; None when it was."""
        return self._error

    @property
    def failures(self) -> int:
        """How many fetches have failed since one succeeded."""
        return self._failures

    @property
    def next_s(self) -> float:
        """The clock's reading at which the next flight may start."""
        return max(self._due_s if self._access_token else -math.inf, self._retry_s)

    @property
    def retry_s(self) -> float:
        """The clock's reading before which no flight starts."""
        return self._retry_s

    def decide(self, now_s: float) -> Use | Wait | Refuse:
        """What one caller does now. A decision with `start` opens the flight."""
        valid = self._access_token is not None and not self._access_token.expired(now_s)
        due = not valid or now_s >= self._due_s
        start = due and not self._in_flight and now_s >= self._retry_s
        if start:
            self._in_flight = True
            if self._access_token is not None:
                self._rejections = 0  # It has lived its life: the destination takes our tokens.
        if valid:
            assert self._access_token is not None
            return Use(self._access_token, start)
        if self._in_flight:
            return Wait(start)
        assert self._error is not None, "only an error delays a flight"
        return Refuse(self._error)

    def succeeded(self, access_token: AccessToken, now_s: float) -> None:
        """The flight brought a token."""
        if access_token.expired(now_s):
            late = "the token endpoint took longer to answer than its token lives"
            self.failed(TokenRequestError(late, "invalid_response"), now_s)
            return
        self._in_flight = False
        self._access_token = access_token
        drawn_s = access_token.refresh_at_s(REFRESH_FROM + (REFRESH_TO - REFRESH_FROM) * self._random())
        self._due_s = max(drawn_s, access_token.refresh_at_s(1) - self._expiry_buffer_s)
        self._retry_s = -math.inf
        self._failures = 0
        self._error = None

    def failed(self, error: TokenRequestError, now_s: float) -> None:
        """The flight brought none."""
        self._in_flight = False
        self._failures += 1
        self._error = error
        if error.terminal:
            wait_s = PROBE_S * (1 - 0.2 * self._random())
        else:
            wait_s = max(self._backoff_s(self._failures), min(error.after_s or 0.0, PROBE_S))
        self._retry_s = now_s + wait_s

    def invalidate(self, access_token: AccessToken, now_s: float) -> bool:
        """Drop `access_token`, which the destination refused; False when it was replaced already.

        The first refusal leads to a fetch at once. When fresh tokens are refused in a row,
        the fetches back off as if they had failed.
        """
        if self._access_token is None or self._access_token.value != access_token.value:
            return False
        self._access_token = None
        if self._rejections:
            self._error = TokenRequestError(
                "the destination refuses fresh access tokens too", "invalid_token"
            )
            self._retry_s = max(self._retry_s, now_s + self._backoff_s(self._rejections))
        self._rejections += 1
        return True

    def forget_flight(self) -> None:
        """Go on without the flight under way: in a forked child its thread does not exist."""
        self._in_flight = False

    def _backoff_s(self, attempt: int) -> float:
        """Exponential with full jitter, so that a fleet that failed together spreads out."""
        ceiling_s = min(RETRY_MAX_S, RETRY_INITIAL_S * 2.0 ** min(attempt - 1, 10))
        return max(RETRY_MIN_S, ceiling_s * self._random())
