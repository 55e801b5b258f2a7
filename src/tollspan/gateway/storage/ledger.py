"""What became of everything that was offered to the store, by tenant, dataset and signal.

For every account it holds that received = stored + the sum of refused + pending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from tollspan.collector.component import Receipt
from tollspan.errors import LimitError, WireError
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

ACCOUNTS_MAX = 10_000
OTHER_DATASETS = "(others)"
"""Where a tenant's datasets are counted once there are too many accounts; no dataset is called so."""


@dataclass(slots=True)
class Account:
    """Items since the process started; `refused` by reason."""

    received: int = 0
    stored: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def pending(self) -> int:
        """Items that have no outcome yet."""
        return self.received - self.stored - self.refused.total()


Key = tuple[str, str, Signal]


class Ledger:
    """All accounts of a store. Everything happens on one event loop."""

    def __init__(self) -> None:
        self._accounts: dict[Key, Account] = {}

    def receive(self, batch: Batch) -> None:
        """The items of the batch are pending."""
        self._account(batch).received += batch.items

    def settle(self, batch: Batch, answer: Receipt | BaseException) -> None:
        """The items of the batch, which was received before, are stored or refused."""
        account = self._account(batch)
        if isinstance(answer, Receipt):
            account.stored += batch.items - answer.rejected
            account.refused["rejected"] += answer.rejected
        else:
            account.refused[_reason(answer)] += batch.items

    def accounts(self, tenant: str, datasets: Collection[str] = ()) -> dict[tuple[str, Signal], Account]:
        """The tenant's accounts by dataset and signal, of these datasets or of all when none are named."""
        return {
            (dataset, signal): account
            for (owner, dataset, signal), account in sorted(self._accounts.items(), key=str)
            if owner == tenant and (not datasets or dataset in datasets)
        }

    def pending(self) -> int:
        """Items of all tenants that have no outcome yet."""
        return sum(account.pending for account in self._accounts.values())

    def _account(self, batch: Batch) -> Account:
        key = (batch.tenant, batch.dataset, batch.signal)
        if key not in self._accounts and len(self._accounts) >= ACCOUNTS_MAX:
            key = (batch.tenant, OTHER_DATASETS, batch.signal)
        return self._accounts.setdefault(key, Account())


def _reason(error: BaseException) -> str:
    match error:
        case WireError():
            return "malformed"
        case LimitError():
            return "too_large"
    return "unavailable"
