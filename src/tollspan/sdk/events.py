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
        self._outages: dict[str, set[str]] = {}
        self._states: dict[str, str] = {}
        self._said_s: dict[tuple[str, str], float] = {}

    def notice(self, event: str, message: str) -> None:
        """Something that a user wants to know, and no error."""
        self.counts[event] += 1
        _log.warning("%s", message)

    def misconfigured(self, problem: ConfigError) -> None:
        """A setting is wrong."""
        self._report(f"misconfigured_{problem.path}", problem.problem, str(problem))

    def delivered(self, destination: str, items: str) -> None:
        """A request was taken; `items` says of what, as in "spans"."""
        if self._outages.pop(items, None):
            _log.info("%s takes %s again", destination, items)

    def held_back(self, destination: str, items: str, reason: str) -> None:
        """A request was not taken and will be sent again; up to a colon `reason` says why in general."""
        self.counts["held_back"] += 1
        self.last_error = f"{destination} takes no {items} now, they wait: {reason}"
        kind = reason.partition(":")[0]
        outage = self._outages.setdefault(items, set())
        if kind not in outage:
            outage.add(kind)
            _log.warning("%s", self.last_error)

    def split(self, destination: str, reason: str) -> None:
        """A request was too large and will be sent in parts."""
        self._report("split", "", f"{destination} takes smaller requests only: {reason}")

    def isolating(self, destination: str, reason: str) -> None:
        """Something in a request is refused; the request is sent in parts until that is alone."""
        self._report("isolating", "", f"{destination} refuses a part of a request, looking for it: {reason}")

    def rejected(self, destination: str, items: int, message: str) -> None:
        """A request was taken except `items` of it, or with a warning."""
        self._loss("rejected", "", f"{destination} rejected {items} of a request: {message}")

    def lost(self, reason: str, number: int, items: str, detail: str) -> None:
        """A number of `items`, as in "spans", will not arrive. How many by reason is the queue's to count."""
        self._loss(f"lost_{reason}", items, f"{items} lost ({reason}): {number}; {detail}")

    def resolver_failed(self, name: str, error: Exception) -> None:
        """A resolver raised. Said once for each kind of error."""
        kind = type(error).__name__
        self._report(
            f"resolver_failed_{kind}", name, f"the {name} resolver raised {kind}; the span has no {name}"
        )

    def resolver_slow(self, spent_s: float) -> None:
        """The resolvers held up the start of a span."""
        self._report("resolver_slow", "", f"the unit resolvers took {spent_s * 1000:.0f} ms for one span")

    def collection_failed(self, error: Exception) -> None:
        """Metrics could not be collected this time, perhaps for a callback that took too long."""
        kind = type(error).__name__
        self._report("collection_failed", kind, f"the metrics could not be collected: {kind}")

    def bad_cost(self, problem: str) -> None:
        """A cost was reported that is none."""
        self._report("bad_cost", problem, f"a cost was not recorded: {problem}")

    def helper_failed(self, name: str, error: Exception) -> None:
        """A call of `tollspan.<name>` failed. Said once for each kind of error in a row."""
        kind = type(error).__name__
        self._report(f"{name}_failed", kind, f"a call of tollspan.{name} failed, and is lost: {kind}")

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

    def _loss(self, topic: str, items: str, message: str) -> None:
        self.counts[topic] += 1
        self.last_error = message
        now_s = self._clock()
        if now_s - self._said_s.get((topic, items), -LOSS_REPEAT_S) >= LOSS_REPEAT_S:
            self._said_s[topic, items] = now_s
            _log.warning("%s", message)
