"""What an OTLP destination's answer means for a pipeline, whichever transport brought it."""

from __future__ import annotations

from tollspan.collector.component import Receipt
from tollspan.errors import InvalidTokenError, LimitError, PermanentError, RetryableError
from tollspan.otlp.batch import Batch
from tollspan.otlp.http_exchange import Delivered, Later, Outcome, Refused, TooLarge, Unauthorized


def conclude(batch: Batch, outcome: Outcome) -> Receipt:
    """The receipt of a batch that was delivered; else raises as `Destination.send` may."""
    match outcome:
        case Delivered(rejected, message):
            return Receipt(min(rejected, batch.items), message)
        case Later(after_s, reason):
            raise RetryableError(reason, after_s)
        case Unauthorized(reason):
            raise InvalidTokenError(reason)
        case TooLarge():
            raise LimitError("bytes of request, says the destination", len(batch.wire) - 1, len(batch.wire))
        case Refused(reason):
            raise PermanentError(reason)
