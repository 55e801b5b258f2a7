from helpers.processors import configured
from tollspan.collector.processors.tail_sampling.processor import FACTORY
from tollspan.collector.processors.tail_sampling.trace import Piece, TraceKey
from tollspan.collector.processors.tail_sampling.waiting import Waiting

A, B, C = (TraceKey("", "", trace_id) for trace_id in (b"a", b"b", b"c"))
PIECE = Piece(b"x" * 10, 1)


def waiting(**settings):
    policies = [{"name": "a", "type": "always_sample"}]
    return Waiting(configured(FACTORY, {"policies": policies, "decision_wait": "10s", **settings}))


def taken(traces):
    return [trace.key for trace in traces]


def test_traces_are_due_after_their_wait_in_their_order():
    held = waiting()
    held.add(A, PIECE, 0.0)
    held.add(B, PIECE, 1.0)
    held.add(A, PIECE, 2.0)
    assert taken(held.take_due(9.9)) == []
    assert taken(held.take_due(10.0)) == [A]
    assert (len(held), held.size) == (1, 10)
    assert taken(held.take_all()) == [B]
    assert held.size == 0


def test_a_trace_whose_root_has_come_is_due_earlier():
    held = waiting(decision_wait_after_root_received="2s")
    held.add(A, PIECE, 0.0)
    held.add(B, Piece(b"x", 1, has_root=True), 1.0)
    assert taken(held.take_due(3.0)) == [B]
    assert A in held


def test_room_is_counted_in_traces_and_bytes():
    held = waiting(num_traces=2, memory_limit_mib=1)
    held.add(A, PIECE, 0.0)
    assert held.has_room([A, B], 1000)
    assert not held.has_room([B, C], 1000)
    assert not held.has_room([A], 1 << 20)
