"""One batch to several consumers, each of which gets its share once however often it is offered."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Sequence

from tollspan.collector.component import Consumer, Receipt
from tollspan.collector.events import LOG_INTERVAL_S
from tollspan.collector.ledger import Ledger
from tollspan.collector.sparse_log import SparseLog
from tollspan.errors import DeliveryError, LimitError, RetryableError, StoreError, WireError
from tollspan.otlp.batch import Batch, digest

REMEMBERED_MAX = 10_000
"""Batches of which some have their share and others not yet; beyond, the oldest would go to all again."""

Share = tuple[Consumer, Batch]


class Shares:
    """Gives each consumer its share of a batch once, however often the batch is offered.

    The caller gets one answer for all. Data that one consumer can still take must not be
    lost, so a failure that may pass goes before one that will not: the batch is offered
    again as long as any may yet take its share, and then goes to those alone. It is known
    again by its bytes, because a client that sends again is a new request. A consumer with
    the attribute `observer = True` only looks on: the ledger does not count what it was
    given. From mild to severe:

    1. every one took its share: the receipt with the most rejected items
    2. PermanentError, WireError, LimitError: nobody wants it again
    3. RetryableError, StoreError that may pass: the one with the longest wait
    4. anything else: a defect, treated like 3 by the receiver
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._log = SparseLog(LOG_INTERVAL_S)
        self._missing: OrderedDict[bytes, Collection[int]] = OrderedDict()
        """By the digest of a batch of which others have their share: the shares that may yet be taken."""

    async def give(self, batch: Batch, shares: Sequence[Share]) -> Receipt:
        """The outcome of all shares that have not been taken, each awaited to its end.

        The same batch always has the same shares, in the same order.
        """
        numbers: Collection[int] = range(len(shares))
        if self._missing:  # digests cost time, and while nobody refuses there is nothing to look up
            numbers = self._missing.get(digest(batch), numbers)
        taken: list[Share] = []
        try:
            calls = (_offer(shares[number], taken) for number in numbers)
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        finally:
            self._count_copies(batch, taken, all_taken=len(taken) == len(numbers))
        missing = [n for n, outcome in zip(numbers, outcomes, strict=True) if _may_pass(outcome)]
        self._remember(batch, missing if len(missing) < len(shares) else ())
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if errors:
            worst = max(errors, key=_severity)
            facts = {"failed": len(errors), "branches": len(outcomes), "worst": repr(worst)}
            self._log.log(logging.WARNING, "pipeline_branches_failed", type(worst).__name__, **facts)
            raise worst
        receipts = (outcome for outcome in outcomes if isinstance(outcome, Receipt))
        return max(receipts, key=lambda receipt: receipt.rejected, default=Receipt())

    def _count_copies(self, batch: Batch, taken: Sequence[Share], *, all_taken: bool) -> None:
        """The ledger expects one fate of each item: where it was given, or the caller's when any failed."""
        given = sum(share.items for consumer, share in taken if not getattr(consumer, "observer", False))
        self._ledger.account(batch.lane).copied += given - (batch.items if all_taken else 0)

    def _remember(self, batch: Batch, missing: Collection[int]) -> None:
        """Which shares are given when the batch is offered again: these, or all where there are none."""
        if not self._missing and not missing:
            return
        known = digest(batch)
        self._missing.pop(known, None)
        if missing:
            self._missing[known] = missing
            if len(self._missing) > REMEMBERED_MAX:
                self._missing.popitem(last=False)


class FanOut:
    """Gives every batch to all branches at once; a slow or failing one does not keep it from the others."""

    def __init__(self, branches: Sequence[Consumer], ledger: Ledger) -> None:
        self._branches = branches
        self._shares = Shares(ledger)

    async def consume(self, batch: Batch) -> Receipt:
        """The outcome of all branches that do not have the batch."""
        return await self._shares.give(batch, [(branch, batch) for branch in self._branches])


async def _offer(share: Share, taken: list[Share]) -> Receipt:
    consumer, batch = share
    receipt = await consumer.consume(batch)
    taken.append(share)
    return receipt


def _may_pass(outcome: Receipt | BaseException) -> bool:
    return isinstance(outcome, BaseException) and _severity(outcome)[0] > 0


def _severity(error: BaseException) -> tuple[int, float]:
    match error:
        case RetryableError():
            return 1, error.after_s or 0.0
        case StoreError() if error.retryable:
            return 1, 0.0
        case DeliveryError() | WireError() | LimitError() | StoreError():
            return 0, 0.0
    return 2, 0.0
