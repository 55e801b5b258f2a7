from helpers.spans import NOW, SECOND, batch, batch_of, request, span
from tollspan.collector.component import Receipt
from tollspan.errors import WireError
from tollspan.gateway.storage import chunks
from tollspan.otlp.batch import Batch
from tollspan.otlp.signals import Signal

DAY = 24 * 3600 * SECOND


def read(*batches):
    return chunks.read({bytes([number]): own for number, own in enumerate(batches)}, NOW)


def stored(chunk):
    return chunk.tenant, chunk.dataset, chunk.count, chunk.digests


def test_the_requests_of_a_dataset_are_read_in_one_go():
    found, answers = read(batch(span()), batch(span(), dataset="other"), batch(span(), span()))
    assert [stored(chunk) for chunk in found] == [
        (b"acme", b"default", 3, [b"\0", b"\2"]),
        (b"acme", b"other", 1, [b"\1"]),
    ]
    assert set(answers.values()) == {Receipt()}


def test_tenants_are_never_read_together():
    found, _ = read(batch(span(), tenant="a"), batch(span(), tenant="b"), batch(span(), tenant="a"))
    assert [(chunk.tenant, chunk.count) for chunk in found] == [(b"a", 2), (b"b", 1)]


def test_a_broken_request_costs_itself_alone():
    broken = Batch(Signal.TRACES, b"\x0a\xff", 1, "acme", "default")
    found, answers = read(batch(span()), broken, batch(span()))
    assert [stored(chunk)[2:] for chunk in found] == [(1, [b"\0"]), (1, [b"\2"])]
    assert [type(answers[bytes([number])]) for number in range(3)] == [Receipt, WireError, Receipt]


def test_a_request_cannot_swallow_the_next_one():
    # Its last field claims as many bytes as the next request has.
    victim = batch(span())
    thief = Batch(Signal.TRACES, b"\x7a" + bytes([len(victim.wire)]), 1, "acme", "default")
    found, answers = read(thief, victim)
    assert [stored(chunk)[2:] for chunk in found] == [(1, [b"\1"])]
    assert isinstance(answers[b"\0"], WireError)


def test_unsound_spans_are_counted_for_the_request_they_came_in():
    unsound = request(span(), span(trace_id=b"short"))
    found, answers = read(batch(span()), batch_of(unsound))
    assert [chunk.count for chunk in found] == [1, 1]
    assert answers[b"\0"] == Receipt()
    assert answers[b"\1"].rejected == 1
    assert "trace_id" in answers[b"\1"].reason


def test_spans_of_the_far_future_are_refused():
    found, answers = read(
        batch(span(start=NOW + DAY), span(start=NOW + DAY + 1), span(start=2**64 - 1, duration=0))
    )
    assert [chunk.count for chunk in found] == [1]
    assert answers[b"\0"] == Receipt(2, "2 spans are dated more than a day in the future")


def test_a_request_without_sound_spans_leaves_no_chunk():
    found, answers = read(batch(), batch(span(trace_id=b"")))
    assert found == []
    assert [answers[b"\0"].rejected, answers[b"\1"].rejected] == [0, 1]


def test_there_are_never_more_digests_than_rows():
    found, _ = read(batch(), batch(span()), batch())
    assert [stored(chunk)[2:] for chunk in found] == [(1, [b"\1"])]
