"""Always an access token at hand, for any number of tasks of one event loop; the twin of `token_source`."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random as _random
import time
from collections.abc import Awaitable, Callable

from tollspan.errors import TokenRequestError
from tollspan.oauth2.access_token import AccessToken
from tollspan.oauth2.token_schedule import Refuse, TokenSchedule, Use

PAUSE_MIN_S = 0.05
"""The least that `keep_fresh` sleeps between two looks."""


class AsyncTokenSource:
    """Gives every caller a valid access token, fetched by `fetch` when none is or one is due.

    `fetch` makes one bounded token request and returns the token or raises
    TokenRequestError; it never runs twice at once. `report` is called with the error, or
    with None, whenever that has changed. A token is due as TokenSchedule says, and used
    until it expires.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[AccessToken]],
        report: Callable[[TokenRequestError | None], None],
        *,
        expiry_buffer_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._fetch = fetch
        self._report = report
        self._clock = clock
        self._schedule = TokenSchedule(random, expiry_buffer_s)
        self._flight: asyncio.Task[None] | None = None
        self._reported = ""

    @property
    def error(self) -> TokenRequestError | None:
        """Why there is no valid token; None while there is one, and before the first fetch has ended."""
        access_token = self._schedule.access_token
        valid = access_token is not None and not access_token.expired(self._clock())
        return None if valid else self._schedule.error

    async def token(self) -> AccessToken:
        """A token that has not expired, at once when there is one, else after the fetch under way.

        Raises TokenRequestError when that fails, and at once while it is too early to ask
        the token endpoint again. A caller that is cancelled does not stop the fetch.
        """
        while True:
            decision = self._schedule.decide(self._clock())
            if isinstance(decision, Refuse):
                raise decision.error.with_traceback(None)
            if decision.start:
                self._flight = asyncio.create_task(self._fly())
            if isinstance(decision, Use):
                return decision.access_token
            assert self._flight is not None, "there is something to wait for"
            await asyncio.shield(self._flight)

    def invalidate(self, access_token: AccessToken) -> None:
        """The destination refused `access_token` (401): the next caller gets another one."""
        self._schedule.invalidate(access_token, self._clock())

    async def keep_fresh(self) -> None:
        """Fetch ahead of expiry, and again after failures, whether anyone asks or not; until cancelled."""
        while True:
            with contextlib.suppress(TokenRequestError):  # it is reported
                await self.token()
            if self._flight is not None:
                await asyncio.shield(self._flight)
            await asyncio.sleep(max(PAUSE_MIN_S, self._schedule.next_s - self._clock()))

    async def close(self) -> None:
        """No fetch is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.gather(self._flight, return_exceptions=True)

    async def _fly(self) -> None:
        """Fetch once and tell the schedule how that ended."""
        try:
            self._schedule.succeeded(await self._fetch(), self._clock())
        except TokenRequestError as error:
            self._schedule.failed(error, self._clock())
        except Exception as error:
            # Its text may quote the request, and the request holds the secret.
            broken = f"the token request broke: {type(error).__name__}"
            self._schedule.failed(TokenRequestError(broken, "request_failed"), self._clock())
        except asyncio.CancelledError:
            self._schedule.forget_flight()
            raise
        error_now = self._schedule.error
        code = error_now.code if error_now else ""
        if code != self._reported:
            self._reported = code
            self._report(error_now)
