"""What became of every item, by tenant, dataset and signal.

A refused request whose items are not known, because it could not be read or may not be, counts as
a request. Where its sender is not known either, tenant and dataset are empty.

For every account it holds that received + copied = stored + sent + the sum of refused + the
sum of dropped + pending. Whoever decides an item's fate counts it. An error that is raised
decides nothing: the items are still the caller's, up to the receiver, which refuses them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from tollspan.otlp.batch import Lane
from tollspan.otlp.signals import Signal

ACCOUNTS_MAX = 10_000
OTHER_DATASETS = "(others)"
"""Where a tenant's datasets are counted once there are too many accounts; no dataset is called so."""


@dataclass(slots=True)
class Account:
    """Items since the process started; `refused` and `dropped` by reason.

    `copied` are items that were given to one more exporter than the first. It goes down again when
    those that had refused them get them with a later request, which counts as received too.
    """

    received: int = 0
    copied: int = 0
    stored: int = 0
    sent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    refused_requests: Counter[str] = field(default_factory=Counter)

    @property
    def pending(self) -> int:
        """Items that have no outcome yet."""
        settled = self.stored + self.sent + self.refused.total() + self.dropped.total()
        return self.received + self.copied - settled

    def add(self, other: Account) -> None:
        """The other account's items are in this one too."""
        self.received += other.received
        self.copied += other.copied
        self.stored += other.stored
        self.sent += other.sent
        self.refused += other.refused
        self.dropped += other.dropped
        self.refused_requests += other.refused_requests


class Ledger:
    """All accounts of a service. Everything happens on one event loop."""

    def __init__(self) -> None:
        self._accounts: dict[Lane, Account] = {}

    def account(self, lane: Lane) -> Account:
        """Where the items of that signal, tenant and dataset are counted."""
        account = self._accounts.get(lane)
        if account is None:
            if len(self._accounts) >= ACCOUNTS_MAX:
                lane = (lane[0], lane[1], OTHER_DATASETS)
            account = self._accounts.setdefault(lane, Account())
        return account

    def accounts(self, tenant: str, datasets: Collection[str] = ()) -> dict[tuple[str, Signal], Account]:
        """The tenant's accounts by dataset and signal, of these datasets or of all when none are named."""
        return {
            (dataset, signal): account
            for (signal, owner, dataset), account in sorted(self._accounts.items(), key=_by_place)
            if owner == tenant and (not datasets or dataset in datasets)
        }

    def totals(self) -> dict[Signal, Account]:
        """The accounts of all tenants together."""
        totals = {signal: Account() for signal in Signal}
        for (signal, _, _), account in self._accounts.items():
            totals[signal].add(account)
        return totals


def _by_place(entry: tuple[Lane, Account]) -> tuple[str, str, str]:
    (signal, tenant, dataset), _ = entry
    return tenant, dataset, signal.value
