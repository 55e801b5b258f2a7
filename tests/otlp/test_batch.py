from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.otlp_strategies import REQUESTS, wires
from tollspan.otlp import _reshape
from tollspan.otlp.batch import Batch, digest, merge
from tollspan.otlp.signals import Signal

signals = st.sampled_from(Signal)


def batch(signal: Signal, wire: bytes, tenant: str = "t", dataset: str = "d") -> Batch:
    return Batch(signal, wire, _reshape.count(signal.value, wire), tenant, dataset)


def batches(signal: Signal) -> st.SearchStrategy[list[Batch]]:
    return st.lists(wires(signal).map(lambda wire: batch(signal, wire)), min_size=1, max_size=3)


anything = st.builds(Batch, st.just(Signal.LOGS), st.binary(), st.integers(0))


@given(signals.flatmap(batches))
def test_merging_is_the_merge_of_the_official_messages(parts: list[Batch]) -> None:
    signal = parts[0].signal
    official = REQUESTS[signal]()
    for part in parts:
        official.MergeFromString(part.wire)
    merged = merge(parts)
    assert REQUESTS[signal].FromString(merged.wire).SerializeToString() == official.SerializeToString()
    assert merged.items == _reshape.count(signal.value, merged.wire)


@given(st.lists(anything, min_size=1), st.lists(anything, min_size=1))
def test_merging_is_associative(left: list[Batch], right: list[Batch]) -> None:
    assert merge([merge(left), merge(right)]) == merge(left + right)


def test_one_batch_merges_to_itself() -> None:
    alone = batch(Signal.LOGS, b"")
    assert merge([alone]) is alone


@pytest.mark.parametrize(
    "stranger",
    [batch(Signal.LOGS, b""), batch(Signal.TRACES, b"", tenant="x"), batch(Signal.TRACES, b"", dataset="x")],
)
def test_no_two_tenants_datasets_or_signals_meet(stranger: Batch) -> None:
    with pytest.raises(ValueError, match="one signal, tenant and dataset"):
        merge([batch(Signal.TRACES, b""), stranger])


@pytest.mark.parametrize(
    "change",
    [
        {"wire": b"wire2"},
        {"tenant": "acme2"},
        {"dataset": "default2"},
        {"signal": Signal.LOGS},
        {"tenant": "acme', 'default", "dataset": ""},
    ],
)
def test_what_differs_in_bytes_or_place_has_another_digest(change):
    first = Batch(Signal.TRACES, b"wire", 1, "acme", "default")
    assert digest(replace(first, **change)) != digest(first)
    assert digest(replace(first, items=7)) == digest(first)
