"""Where every receiver's batches come in: the ledger's first word, and its last when they are refused."""

from __future__ import annotations

from tollspan.collector.component import Consumer, Receipt
from tollspan.collector.ledger import Ledger
from tollspan.errors import LimitError, PermanentError, StoreError, WireError
from tollspan.otlp.batch import Batch


class Door:
    """Hands every batch on, and accounts for it."""

    def __init__(self, consumer: Consumer, ledger: Ledger) -> None:
        self._consumer = consumer
        self._ledger = ledger

    async def consume(self, batch: Batch) -> Receipt:
        """As the consumer behind it; its items were received, and refused when this raises."""
        account = self._ledger.account(batch.lane)
        account.received += batch.items
        try:
            return await self._consumer.consume(batch)
        except BaseException as error:
            account.refused[_reason(error)] += batch.items
            raise


def _reason(error: BaseException) -> str:
    match error:
        case WireError():
            return "malformed"
        case LimitError():
            return "too_large"
        case PermanentError() | StoreError(retryable=False):
            return "permanent"
    return "unavailable"
