"""The law of the queue: what is put or recovered is in one place or counted once, whatever happens when."""

from __future__ import annotations

import gc
import threading

from hypothesis import given
from hypothesis import strategies as st

from tollspan.sdk.export_queue import ExportQueue, Parcel


def _queue(items_max: int = 10, bytes_max: int = 10_000) -> ExportQueue[int]:
    return ExportQueue(items_max, bytes_max, weigh=lambda item: item)


def _pack(queue: ExportQueue[int], items_max: int, failures: int = 0) -> None:
    taken = len(queue.take(items_max))
    failures = min(failures, taken)
    parcel = Parcel(b"x" * 5, "identity", taken - failures, 5) if taken > failures else None
    queue.pack(parcel, failures)


OPERATIONS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 300)),
    st.tuples(st.just("pack"), st.integers(1, 4)),
    st.tuples(st.just("pack_with_a_failure"), st.integers(1, 4)),
    st.tuples(st.just("arrive"), st.integers(0, 1)),
    st.tuples(st.just("refuse"), st.just(0)),
    st.tuples(st.just("keep"), st.just(0)),
    st.tuples(st.just("take"), st.integers(1, 4)),
    st.tuples(st.just("put_while_in_flight"), st.integers(1, 300)),
    st.tuples(st.sampled_from(["resend", "keep_file"]), st.integers(1, 4)),
    st.tuples(st.just("spill"), st.just(0)),
    st.tuples(st.just("close"), st.just(0)),
)


@given(st.lists(OPERATIONS, max_size=60), st.integers(1, 12), st.integers(100, 1000))
def test_every_item_put_is_counted_once(  # noqa: C901 - one case for each thing that may happen
    operations: list[tuple[str, int]], items_max: int, bytes_max: int
) -> None:
    queue = _queue(items_max, bytes_max)
    put = 0
    for name, number in operations:
        match name:
            case "put":
                queue.put(number)
                put += 1
            case "pack" | "pack_with_a_failure":
                queue.put_back()
                _pack(queue, number, failures=name != "pack")
            case "take":
                queue.take(number)
                queue.put_back()
            case "arrive" if (parcel := queue.launch()) is not None:
                queue.settle(rejected=min(number, parcel.items))
            case "refuse" if queue.launch() is not None:
                queue.settle(dropped="refused")
            case "keep" if queue.launch() is not None:
                queue.put_back()
            case "put_while_in_flight" if queue.launch() is not None:
                queue.put(number)
                put += 1
                queue.settle()
            case "resend" if not queue.closed:
                queue.adopt(Parcel(b"stored", "identity", number, 6))
                queue.settle(rejected=1)
            case "keep_file" if not queue.closed:
                queue.adopt(stored := Parcel(b"stored", "identity", number, 6))
                queue.put_back()
                assert queue.move_out(stored)
            case "spill" if (parcel := queue.oldest()) is not None:
                assert queue.move_out(parcel)
                assert not queue.move_out(parcel)
            case "close":
                queue.close()
                queue.write_off(0, 0)
        tally = queue.tally()
        assert put + tally.recovered == tally.settled + tally.pending
        assert tally.pending <= items_max
    queue.close()
    queue.write_off(0, 0)
    tally = queue.tally()
    assert (tally.settled, tally.pending) == (put + tally.recovered, 0)


def test_the_oldest_make_room() -> None:
    queue = _queue(items_max=2)
    for item in (1, 2, 3):
        queue.put(item)
    assert list(queue.take(10)) == [2, 3]
    assert queue.tally().dropped == {"queue_full": 1}


def test_what_is_in_flight_is_never_dropped_for_room() -> None:
    queue = _queue(items_max=2)
    queue.put(1)
    queue.put(2)
    _pack(queue, 2)
    assert queue.launch() is not None
    queue.put(3)
    queue.settle()
    assert queue.tally().sent == 2
    assert queue.tally().dropped == {"queue_full": 1}


def test_an_item_heavier_than_the_queue_is_dropped_alone() -> None:
    queue = _queue(bytes_max=100)
    queue.put(101)
    assert queue.tally().dropped == {"queue_full": 1}


def test_packed_items_weigh_what_their_parcel_does() -> None:
    queue = _queue(bytes_max=100)
    queue.put(100)
    _pack(queue, 1)
    queue.put(95)
    assert queue.tally().pending == 2


def test_a_result_after_close_counts_nothing_twice() -> None:
    queue = _queue()
    queue.put(1)
    _pack(queue, 1)
    queue.launch()
    queue.put(2)
    items, parcels = queue.close()
    assert (items, [parcel.items for parcel in parcels]) == ([2], [1])
    assert queue.write_off(0, 0) == 2
    queue.settle()
    assert queue.tally().dropped == {"shutdown": 2}
    assert queue.tally().sent == 0


def test_what_was_put_back_comes_first_again() -> None:
    queue = _queue()
    for item in (1, 2, 3):
        queue.put(item)
    queue.take(2)
    queue.put_back()
    assert list(queue.take(3)) == [1, 2, 3]


def test_a_span_that_ends_inside_a_put_is_counted() -> None:
    """As one does when a garbage collection or a signal handler runs there."""
    queue = _queue()

    class EndsASpanWhenWeighed:
        def __call__(self, item: int) -> int:
            if item == 1:
                with queue.lock:
                    queue.put(2)
                gc.collect()
            return item

    queue._weigh = EndsASpanWhenWeighed()
    queue.put(1)
    assert queue.tally().pending == 2


def test_threads_lose_and_double_nothing() -> None:
    queue = _queue(items_max=50)
    threads = [threading.Thread(target=lambda: [queue.put(1) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        _pack(queue, 7)
        if queue.launch() is not None:
            queue.settle()
    tally = queue.tally()
    assert tally.settled + tally.pending == 2000
