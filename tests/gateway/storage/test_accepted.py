from dataclasses import replace

import pytest

from tollspan.collector.component import Receipt
from tollspan.gateway.storage.accepted import Accepted, digest
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

BATCH = Batch(Signal.TRACES, b"wire", 1, "acme", "default")


@pytest.mark.parametrize(
    "other",
    [
        replace(BATCH, wire=b"wire2"),
        replace(BATCH, tenant="acme2"),
        replace(BATCH, dataset="default2"),
        replace(BATCH, signal=Signal.LOGS),
        replace(BATCH, tenant="acme', 'default", dataset=""),
    ],
)
def test_what_differs_in_bytes_or_place_has_another_digest(other):
    assert digest(other) != digest(BATCH)
    assert digest(replace(BATCH, items=7)) == digest(BATCH)


def test_the_newest_requests_are_remembered_with_their_answers():
    accepted = Accepted(size_max=2)
    accepted.add((bytes([number]), Receipt(rejected=number)) for number in range(5))
    assert [accepted.get(bytes([number])) for number in range(5)] == [
        None,
        None,
        None,
        Receipt(3),
        Receipt(4),
    ]
