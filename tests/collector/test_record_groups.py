import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.otlp_strategies import REQUESTS, signal_requests
from helpers.processors import logs_of, metrics_of, spans_of
from tollspan.collector.record_groups import group_records
from tollspan.errors import WireError
from tollspan.otlp.protobuf import field_bytes
from tollspan.otlp.signals import Signal

RECORDS_OF = {Signal.TRACES: spans_of, Signal.METRICS: metrics_of, Signal.LOGS: logs_of}


def written(records):
    return sorted(record.SerializeToString(deterministic=True) for record in records)


@given(signal_requests(), st.integers(1, 3))
def test_every_record_is_in_the_group_of_its_key_once(made, groups_max):
    signal, request = made
    groups, malformed = group_records(request.SerializeToString(), lambda m: len(m.wire) % groups_max)
    found = {key: RECORDS_OF[signal](REQUESTS[signal].FromString(g.wire)) for key, g in groups.items()}
    assert malformed == 0
    assert {key: len(records) for key, records in found.items()} == {k: g.records for k, g in groups.items()}
    assert written(r for records in found.values() for r in records) == written(RECORDS_OF[signal](request))


def test_a_record_that_cannot_be_read_is_counted():
    def read(record):
        return record.number(1 << 3)

    wire = field_bytes(1, field_bytes(2, field_bytes(2, b"\x2a\x7f") + field_bytes(2, b"")))
    groups, malformed = group_records(wire, read)
    assert (malformed, [group.records for group in groups.values()]) == (1, [1])


def test_a_request_whose_framing_is_broken_is_an_error():
    with pytest.raises(WireError):
        group_records(b"\x0a\x7f", len)
