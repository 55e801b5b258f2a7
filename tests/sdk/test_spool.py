"""Files on a real disk; another process is another open file, which the kernel's locks see the same way."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from helpers.ended_spans import ended_spans
from helpers.otlp_peer import Answer, OTLPPeer
from tollspan.otlp.http_exchange import Outcome, Refused
from tollspan.otlp.signals import Signal
from tollspan.sdk.delivery import Delivery
from tollspan.sdk.events import Events
from tollspan.sdk.export_queue import Parcel, Tally
from tollspan.sdk.http_sender import HTTPSender
from tollspan.sdk.http_transport import HTTPTransport
from tollspan.sdk.settings import read_settings
from tollspan.sdk.spans import SPANS
from tollspan.sdk.spool import Spool

PARCEL = Parcel(b"body", "gzip", 3, 17)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def _spool(folder: Path, bytes_max: int = 1000, signal: Signal = Signal.TRACES) -> Spool:
    return Spool(folder, signal, bytes_max)


def _same(one: Parcel, other: Parcel) -> bool:
    return all(
        getattr(one, name) == getattr(other, name) for name in ("body", "compression", "items", "wire_bytes")
    )


def test_what_is_written_is_claimed_again_oldest_first(folder: Path) -> None:
    second = Parcel(b"second", "identity", 1, 6)
    spool = _spool(folder)
    assert spool.claim() is None
    assert spool.write(PARCEL)
    assert spool.write(second)
    stored = _spool(folder).claim()
    assert stored is not None
    assert _same(stored.parcel, PARCEL)
    stored.remove()
    stored = _spool(folder).claim()
    assert stored is not None
    assert _same(stored.parcel, second)
    stored.remove()
    assert list(folder.iterdir()) == []


def test_one_parcel_is_claimed_by_one_and_by_another_only_when_released(folder: Path) -> None:
    spool = _spool(folder)
    spool.write(PARCEL)
    stored = spool.claim()
    assert stored is not None
    assert _spool(folder).claim() is None
    stored.release()
    again = _spool(folder).claim()
    assert again is not None
    again.remove()
    assert spool.claim() is None


def test_a_file_that_was_removed_while_another_waited_for_it_is_not_claimed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _spool(folder)
    path = spool.write(PARCEL)
    assert path is not None
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda number: (path.unlink(missing_ok=True), real(number))[1])
    assert spool.claim() is None


def test_each_signal_has_its_own_and_strangers_are_left_alone(folder: Path) -> None:
    _spool(folder, signal=Signal.LOGS).write(PARCEL)
    (folder / "notes.txt").write_text("hello")
    (folder / "1-2-3.traces.1.5.gzip.part").write_text("half")
    assert _spool(folder).claim() is None
    stored = _spool(folder, signal=Signal.LOGS).claim()
    assert stored is not None
    stored.remove()
    assert len(list(folder.iterdir())) == 2


def test_the_folder_is_bounded_and_what_does_not_fit_leaves_nothing(folder: Path) -> None:
    spool = _spool(folder, bytes_max=9)
    assert spool.write(PARCEL)
    assert spool.write(PARCEL)
    assert spool.write(PARCEL) is None
    assert sum(path.stat().st_size for path in folder.iterdir()) == 8


def test_only_the_owner_may_read_it(folder: Path) -> None:
    path = _spool(folder).write(PARCEL)
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_disk_that_does_not_work_is_like_a_full_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    assert _spool(file).write(PARCEL) is None
    assert _spool(file).claim() is None


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _delivery(peer: OTLPPeer, folder: Path, clock: Clock, **arguments: Any) -> Delivery[Any]:
    settings, _ = read_settings({"endpoint": peer.url, **arguments}, {})
    sender = HTTPSender(Signal.TRACES, settings, HTTPTransport(settings), None)
    spool = Spool(folder, Signal.TRACES, settings.spool_bytes_max)
    return Delivery(SPANS, sender, settings, Events(), clock, lambda: 0.5, spool=spool)


def _run(delivery: Delivery[Any], clock: Clock, until_s: float) -> None:
    while clock.now_s < until_s:
        wait_s = delivery.step()
        assert wait_s is not None
        clock.now_s += max(wait_s, 0.001)


def _account(tally: Tally) -> int:
    return tally.settled + tally.pending - tally.recovered


def test_what_is_left_at_the_end_is_sent_by_the_next_start_once(peer: OTLPPeer, folder: Path) -> None:
    peer.always = Answer(503)
    clock = Clock()
    delivery = _delivery(peer, folder, clock, batch_items_max=2)
    for span in ended_spans("abc"):
        delivery.queue.put(span)
    _run(delivery, clock, 1)
    for span in ended_spans("de"):
        delivery.queue.put(span)
    delivery.end()
    tally = delivery.queue.tally()
    assert (tally.spooled, tally.pending, tally.dropped) == (5, 0, {})
    peer.always = Answer(stores=True)
    for expected in (5, 0):
        following = _delivery(peer, folder, clock)
        _run(following, clock, clock.now_s + 2)
        assert following.queue.tally().sent == following.queue.tally().recovered == expected
    assert peer.stored == dict.fromkeys("abcde", 1)
    assert list(folder.iterdir()) == []


def test_in_a_long_outage_the_oldest_go_to_files_and_nothing_is_lost(peer: OTLPPeer, folder: Path) -> None:
    peer.always = Answer(503)
    clock = Clock()
    delivery = _delivery(peer, folder, clock, batch_items_max=2, queue_items_max=8)
    names = [f"span-{number}" for number in range(20)]
    for span in ended_spans(names):
        delivery.queue.put(span)
        _run(delivery, clock, clock.now_s + 1)
    tally = delivery.queue.tally()
    assert (tally.dropped, _account(tally)) == ({}, 20)
    assert tally.pending <= 4
    peer.always = Answer(stores=True)
    _run(delivery, clock, clock.now_s + 120)
    tally = delivery.queue.tally()
    assert (tally.pending, tally.dropped, _account(tally)) == (0, {}, 20)
    assert peer.stored == dict.fromkeys(names, 1)
    assert list(folder.iterdir()) == []


def test_a_file_that_cannot_be_delivered_now_stays_and_is_not_counted_as_lost(
    peer: OTLPPeer, folder: Path
) -> None:
    clock = Clock()
    first = _delivery(peer, folder, clock)
    first.queue.put(ended_spans("a")[0])
    first.end()
    peer.answers.append(Answer(503))
    second = _delivery(peer, folder, clock)
    second.step()
    tally = second.queue.tally()
    assert (tally.recovered, tally.spooled, tally.pending) == (1, 1, 0)
    _run(second, clock, 60)
    assert second.queue.tally().sent == 1
    assert peer.stored == {"a": 1}


def test_a_file_that_is_refused_for_good_is_dropped_and_counted(peer: OTLPPeer, folder: Path) -> None:
    clock = Clock()
    first = _delivery(peer, folder, clock)
    first.queue.put(ended_spans("a")[0])
    first.end()
    peer.always = Answer(404)
    second = _delivery(peer, folder, clock)
    _run(second, clock, 1)
    assert second.queue.tally().dropped == {"refused": 1}
    assert list(folder.iterdir()) == []


class Strict:
    """A stand-in for a destination that finds fault with everything."""

    destination = "strict"

    def send(self, body: bytes, compression: str, timeout_s: float) -> Outcome:
        return Refused("HTTP 400", status=400)

    def close(self) -> None:
        pass


def test_a_file_that_is_not_what_its_name_says_is_dropped_and_holds_up_nobody(
    peer: OTLPPeer, folder: Path
) -> None:
    folder.mkdir()
    (folder / "1-2-3.traces.7.99.gzip").write_bytes(b"no gzip")
    clock = Clock()
    delivery = _delivery(peer, folder, clock)
    destination, delivery.sender = delivery.sender, Strict()
    _run(delivery, clock, 1)
    assert delivery.queue.tally().dropped == {"refused": 7}
    assert list(folder.iterdir()) == []
    delivery.sender = destination
    delivery.queue.put(ended_spans("a")[0])
    _run(delivery, clock, 3)
    assert peer.stored == {"a": 1}


def test_a_full_spool_drops_and_counts_what_is_left_at_the_end(peer: OTLPPeer, folder: Path) -> None:
    delivery = _delivery(peer, folder, Clock(), spool_bytes_max=1)
    delivery.queue.put(ended_spans("a")[0])
    delivery.end()
    assert delivery.queue.tally().dropped == {"shutdown": 1}


def test_an_item_that_cannot_be_encoded_at_the_end_is_counted_as_such(peer: OTLPPeer, folder: Path) -> None:
    delivery = _delivery(peer, folder, Clock())
    for span in ended_spans(["good", "bad\ud800"]):
        delivery.queue.put(span)
    delivery.end()
    tally = delivery.queue.tally()
    assert (tally.spooled, tally.dropped) == (1, {"encode_error": 1})
