"""What the SDK has to say about itself: each event a counter, and a log line when it is news.

A topic is in one state at a time and only another state is logged. An outage is a line for
each kind of reason and one for its end; losses are logged once a minute. Nothing here
shows a secret or a span.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from tollspan.errors import ConfigError

_log = logging.getLogger("tollspan")

LOSS_REPEAT_S = 60.0


class Events:
    """The SDK's own record; any thread may report."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[str] = Counter()
        self.last_error: str | None = None
        self._clock = clock
        self._outage: set[str] = set()
        self._states: dict[str, str] = {}
        self._said_s: dict[str, float] = {}

    def notice(self, event: str, message: str) -> None:
        """Something that a user wants to know, and no error."""
        self.counts[event] += 1
        _log.warning("%s", message)

    def misconfigured(self, problem: ConfigError) -> None:
        """A setting is wrong."""
        self._report(f"misconfigured_{problem.path}", problem.problem, str(problem))

    def delivered(self, destination: str) -> None:
        """A request was taken."""
        if self._outage:
            self._outage.clear()
            _log.info("%s takes telemetry again", destination)

    def held_back(self, destination: str, reason: str) -> None:
        """A request was not taken and will be sent again; up to a colon `reason` says why in general."""
        self.counts["held_back"] += 1
        self.last_error = f"{destination} takes no telemetry now, it waits: {reason}"
        kind = reason.partition(":")[0]
        if kind not in self._outage:
            self._outage.add(kind)
            _log.warning("%s", self.last_error)

    def split(self, destination: str, reason: str) -> None:
        """A request was too large and will be sent in parts."""
        self._report("split", "", f"{destination} takes smaller requests only: {reason}")

    def rejected(self, destination: str, items: int, message: str) -> None:
        """A request was taken except `items` of it, or with a warning."""
        self._loss("rejected", f"{destination} rejected {items} of a request: {message}")

    def lost(self, reason: str, items: int, detail: str) -> None:
        """`items` will not arrive. Their number by reason is the queue's to count."""
        self._loss(f"lost_{reason}", f"items lost ({reason}): {items}; {detail}")

    def resolver_failed(self, name: str, error: Exception) -> None:
        """A resolver raised. Said once for each kind of error."""
        kind = type(error).__name__
        self._report(
            f"resolver_failed_{kind}", name, f"the {name} resolver raised {kind}; the span has no {name}"
        )

    def resolver_slow(self, spent_s: float) -> None:
        """The resolvers held up the start of a span."""
        self._report("resolver_slow", "", f"the unit resolvers took {spent_s * 1000:.0f} ms for one span")

    def bug(self, place: str, error: Exception) -> None:
        """An error of ours that nobody foresaw. Its text may quote a span, so only its kind is said."""
        kind = type(error).__name__
        self._report(f"bug in {place}", kind, f"a bug of the SDK in {place}: {kind}")

    def _report(self, topic: str, state: str, message: str) -> None:
        self.counts[topic] += 1
        self.last_error = message
        if self._states.get(topic) != state:
            self._states[topic] = state
            _log.warning("%s", message)

    def _loss(self, topic: str, message: str) -> None:
        self.counts[topic] += 1
        self.last_error = message
        now_s = self._clock()
        if now_s - self._said_s.get(topic, -LOSS_REPEAT_S) >= LOSS_REPEAT_S:
            self._said_s[topic] = now_s
            _log.warning("%s", message)
