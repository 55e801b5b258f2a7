"""How the SDK is doing, as values: what it tells about itself when asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tollspan.oauth2.token_source import TokenStatus


@dataclass(frozen=True, slots=True)
class SignalStatus:
    """What became of the items of one signal: spans, data points or log records.

    Ended ones and those `recovered` from the spool = `sent` + `rejected` + all `dropped` +
    `spooled` + `queued`. `exporting` is false when there is nowhere to send to.
    `queued_bytes` is about the memory of what waits.
    """

    exporting: bool
    queued: int
    queued_bytes: int
    sent: int
    rejected: int
    dropped: Mapping[str, int]
    spooled: int = 0
    recovered: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the SDK in this process; a forked child counts its own items.

    `signals` has `traces`, `metrics` and `logs`, as far as each is on; the properties add
    them up. `events` counts what the SDK reported about itself. `token` is None without
    OAuth2. `instrumentations` says of each that is installed `on` or why it is not.
    """

    signals: Mapping[str, SignalStatus]
    last_error: str | None
    events: Mapping[str, int]
    token: TokenStatus | None
    instrumentations: Mapping[str, str]

    @property
    def exporting(self) -> bool:
        """Whether any signal has somewhere to go."""
        return any(signal.exporting for signal in self.signals.values())

    @property
    def queued(self) -> int:
        """Items that wait."""
        return sum(signal.queued for signal in self.signals.values())

    @property
    def sent(self) -> int:
        """Items that arrived."""
        return sum(signal.sent for signal in self.signals.values())

    @property
    def rejected(self) -> int:
        """Items that a destination refused out of a request that it took."""
        return sum(signal.rejected for signal in self.signals.values())

    @property
    def dropped(self) -> dict[str, int]:
        """Items that were lost, by reason."""
        lost: Counter[str] = Counter()
        for signal in self.signals.values():
            lost.update(signal.dropped)
        return dict(lost)
