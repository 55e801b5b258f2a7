from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tollspan.collector import ledger
from tollspan.collector.ledger import OTHER_DATASETS, Account, Ledger
from tollspan.otlp.signals import Signal

REASONS = st.dictionaries(st.sampled_from(["rejected", "too_large"]), st.integers(0, 9))
LANES = st.tuples(st.sampled_from(Signal), st.sampled_from("ab"), st.sampled_from("xy"))


@given(entries=st.lists(st.tuples(LANES, st.integers(0, 9), st.integers(0, 9), REASONS, REASONS)))
def test_the_totals_are_the_sums_of_all_accounts(entries):
    accounts = Ledger()
    for lane, received, stored, refused, dropped in entries:
        account = accounts.account(lane)
        account.add(Account(received, 1, stored, 2))
        account.refused.update(refused)
        account.dropped.update(dropped)
        account.refused_requests.update(refused)
    totals = accounts.totals()
    found = [account for tenant in "ab" for account in accounts.accounts(tenant).values()]
    for field in ("received", "copied", "stored", "sent", "pending"):
        assert sum(getattr(t, field) for t in totals.values()) == sum(getattr(a, field) for a in found)
    for field in ("refused", "dropped", "refused_requests"):
        assert sum((getattr(t, field) for t in totals.values()), Counter()) == sum(
            (+getattr(a, field) for a in found), Counter()
        )
    for total in totals.values():
        settled = total.stored + total.sent + total.refused.total() + total.dropped.total()
        assert total.received + total.copied == settled + total.pending


def test_accounts_are_shown_in_order_of_their_datasets():
    accounts = Ledger()
    for lane in [(Signal.TRACES, "a", "y"), (Signal.METRICS, "a", "x"), (Signal.LOGS, "b", "x")]:
        accounts.account(lane)
    assert list(accounts.accounts("a")) == [("x", Signal.METRICS), ("y", Signal.TRACES)]


def test_datasets_without_end_share_an_account(monkeypatch):
    monkeypatch.setattr(ledger, "ACCOUNTS_MAX", 2)
    accounts = Ledger()
    for number in range(5):
        accounts.account((Signal.LOGS, "acme", str(number))).received += 1
    found = accounts.accounts("acme")
    assert {dataset: account.received for (dataset, _), account in found.items()} == {
        "0": 1,
        "1": 1,
        OTHER_DATASETS: 3,
    }
    assert accounts.accounts("acme", ["1"]).keys() == {("1", Signal.LOGS)}
