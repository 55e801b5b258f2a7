import pytest

from helpers.pipelines import trace_batch
from tollspan.collector.component import Receipt
from tollspan.collector.otlp_outcome import conclude
from tollspan.errors import InvalidTokenError, LimitError, PermanentError, RetryableError
from tollspan.otlp.http_exchange import Delivered, Later, Refused, TooLarge, Unauthorized


def test_a_receipt_never_rejects_more_than_was_sent():
    assert conclude(trace_batch(2), Delivered()) == Receipt()
    assert conclude(trace_batch(2), Delivered(9, "no")) == Receipt(2, "no")


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Later(3.0, "busy"), RetryableError),
        (Unauthorized("who?"), InvalidTokenError),
        (TooLarge("too much"), LimitError),
        (Refused("no", status=400), PermanentError),
    ],
)
def test_every_other_outcome_is_the_error_that_a_sender_knows(outcome, error):
    with pytest.raises(error):
        conclude(trace_batch(), outcome)


def test_the_wait_that_was_asked_for_is_kept():
    with pytest.raises(RetryableError) as caught:
        conclude(trace_batch(), Later(3.0, "busy"))
    assert caught.value.after_s == 3.0
