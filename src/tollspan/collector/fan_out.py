"""One batch to several branches, each of which gets it once however often it is offered."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from tollspan.collector.component import Consumer, Receipt
from tollspan.collector.ledger import Ledger
from tollspan.errors import DeliveryError, LimitError, RetryableError, StoreError, WireError
from tollspan.otlp.batch import Batch, digest

REMEMBERED_MAX = 10_000
"""Batches that some branches have and others may yet take; beyond, the oldest would go to all again."""

_log = structlog.get_logger()


class FanOut:
    """Gives every batch to all branches at once; a slow or failing branch does not keep it from the others.

    The caller gets one answer for all. Data that one branch can still take must not be
    lost, so a failure that may pass goes before one that will not: the batch is offered
    again as long as any branch may yet take it, and goes to those alone. It is known again
    by its bytes, because a client that sends again is a new request. A branch with the
    attribute `observer = True` only looks on: the ledger does not count what it was given.
    From mild to severe:

    1. every branch took it: the receipt with the most rejected items
    2. PermanentError, WireError, LimitError: no branch wants it again
    3. RetryableError, StoreError that may pass: the one with the longest wait
    4. anything else: a defect, treated like 3 by the receiver
    """

    def __init__(self, branches: Sequence[Consumer], ledger: Ledger) -> None:
        self._branches = branches
        self._ledger = ledger
        self._missing: OrderedDict[bytes, Sequence[Consumer]] = OrderedDict()
        """By the digest of a batch that others have: the branches that may yet take it."""

    async def consume(self, batch: Batch) -> Receipt:
        """The outcome of all branches that do not have the batch, each awaited to its end."""
        # Digests cost time, and while nobody refuses there is nothing to look up.
        branches = self._missing.get(digest(batch), self._branches) if self._missing else self._branches
        taken: list[Consumer] = []
        try:
            calls = (_offer(branch, batch, taken) for branch in branches)
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        finally:
            self._count_copies(batch, taken, expected=len(taken) == len(branches))
        self._remember(batch, [b for b, o in zip(branches, outcomes, strict=True) if _may_pass(o)])
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if errors:
            worst = max(errors, key=_severity)
            _log.warning(
                "pipeline_branches_failed", failed=len(errors), branches=len(outcomes), worst=repr(worst)
            )
            raise worst
        return max((o for o in outcomes if isinstance(o, Receipt)), key=lambda receipt: receipt.rejected)

    def _count_copies(self, batch: Batch, taken: Sequence[Consumer], expected: bool) -> None:
        """The ledger expects one fate of each item: that of one branch, or the caller's when any failed."""
        fates = sum(not getattr(branch, "observer", False) for branch in taken)
        self._ledger.account(batch.lane).copied += batch.items * (fates - expected)

    def _remember(self, batch: Batch, missing: Sequence[Consumer]) -> None:
        """Which branches get the batch when it is offered again."""
        if 0 < len(missing) < len(self._branches):
            self._missing[digest(batch)] = missing
            if len(self._missing) > REMEMBERED_MAX:
                self._missing.popitem(last=False)
        elif self._missing:
            self._missing.pop(digest(batch), None)


async def _offer(branch: Consumer, batch: Batch, taken: list[Consumer]) -> Receipt:
    receipt = await branch.consume(batch)
    taken.append(branch)
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
