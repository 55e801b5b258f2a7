import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector.component import Receipt
from tollspan.errors import LimitError, RetryableError, StoreError, WireError
from tollspan.gateway.storage import ledger
from tollspan.gateway.storage.ledger import OTHER_DATASETS, Ledger
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

ANSWERS = [Receipt(), Receipt(1), WireError("x"), LimitError("x", 1), RetryableError("x"), StoreError("x")]
BATCHES = st.builds(
    Batch,
    st.sampled_from(Signal),
    st.just(b""),
    st.integers(1, 9),
    st.sampled_from("ab"),
    st.sampled_from("xy"),
)


@given(offered=st.lists(st.tuples(BATCHES, st.sampled_from([*ANSWERS, None]))))
def test_what_was_received_is_stored_refused_or_pending(offered):
    accounts = Ledger()
    for batch, answer in offered:
        accounts.receive(batch)
        if answer is not None:
            accounts.settle(batch, answer)
    pending = sum(batch.items for batch, answer in offered if answer is None)
    assert accounts.pending() == pending
    found = [account for tenant in "ab" for account in accounts.accounts(tenant).values()]
    assert sum(account.received for account in found) == sum(batch.items for batch, _ in offered)
    for account in found:
        assert account.received == account.stored + account.refused.total() + account.pending
        assert account.pending >= 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (WireError("x"), "malformed"),
        (LimitError("x", 1), "too_large"),
        (StoreError("x"), "unavailable"),
        (RuntimeError("a defect"), "unavailable"),
        (Receipt(3), "rejected"),
    ],
)
def test_each_refusal_has_a_reason(answer, reason):
    accounts, batch = Ledger(), Batch(Signal.LOGS, b"", 3, "acme", "shop")
    accounts.receive(batch)
    accounts.settle(batch, answer)
    assert accounts.accounts("acme")["shop", Signal.LOGS].refused == {reason: 3}


def test_datasets_without_end_share_an_account(monkeypatch):
    monkeypatch.setattr(ledger, "ACCOUNTS_MAX", 2)
    accounts = Ledger()
    for number in range(5):
        accounts.receive(Batch(Signal.LOGS, b"", 1, "acme", str(number)))
    found = accounts.accounts("acme")
    assert {dataset: account.received for (dataset, _), account in found.items()} == {
        "0": 1,
        "1": 1,
        OTHER_DATASETS: 3,
    }
    assert accounts.accounts("acme", ["1"]).keys() == {("1", Signal.LOGS)}
