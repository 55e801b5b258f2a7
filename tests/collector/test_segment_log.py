import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.killed_log import record
from tollspan.collector import segment_log
from tollspan.collector.segment_log import SegmentLog
from tollspan.errors import WireError


def recovered(folder):
    log = SegmentLog(folder)
    found = list(log.recover())
    log.close()
    return [data for _, data in found], log


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    monkeypatch.setattr(segment_log, "SEGMENT_BYTES_MAX", 200)


def test_a_record_is_read_back_and_recovered_until_it_is_acknowledged(tmp_path):
    log = SegmentLog(tmp_path)
    places = [log.append(b"record %d" % number) for number in range(3)]
    assert log.read(places[1]) == b"record 1"
    log.acknowledge(places[:2])
    log.close()
    assert recovered(tmp_path)[0] == [b"record 2"]


def test_nothing_is_left_of_a_log_that_was_read_to_its_end(tmp_path):
    log = SegmentLog(tmp_path)
    log.acknowledge([log.append(bytes(50)) for _ in range(20)])
    assert len(list(tmp_path.iterdir())) == 2
    log.close()
    assert (list(tmp_path.iterdir()), log.size) == ([], 0)


@given(
    st.lists(
        st.tuples(st.binary(max_size=120), st.booleans() | st.none()),
        max_size=30,
    )
)
def test_what_was_kept_and_not_acknowledged_is_recovered_in_order(tmp_path_factory, steps):
    """Each step keeps a record; then true acknowledges it, and false reopens the log."""
    folder = tmp_path_factory.mktemp("log")
    log = SegmentLog(folder)
    left = {}
    for number, (data, acknowledged) in enumerate(steps):
        left[number] = (log.append(data), data)
        if acknowledged:
            log.acknowledge([left.pop(number)[0]])
        elif acknowledged is False:
            log.close()
            log = SegmentLog(folder)
            found = list(log.recover())
            assert [data for _, data in found] == [data for _, data in left.values()]
            left = dict(enumerate(found, -len(found)))
    log.close()
    assert recovered(folder)[0] == [data for _, data in left.values()]


def test_a_torn_record_at_the_end_is_passed_over(tmp_path):
    log = SegmentLog(tmp_path)
    log.append(b"whole")
    log.append(b"torn off")
    (path,) = tmp_path.glob("*.seg")
    os.truncate(path, path.stat().st_size - 3)
    found, again = recovered(tmp_path)
    assert (found, again.damaged_bytes) == ([b"whole"], 0)


def test_a_torn_note_brings_its_record_back(tmp_path):
    log = SegmentLog(tmp_path)
    log.append(b"other")
    log.acknowledge([log.append(b"record")])
    (path,) = tmp_path.glob("*.ack")
    os.truncate(path, 7)
    assert recovered(tmp_path)[0] == [b"other", b"record"]


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_turned_bit_costs_at_most_the_record_that_it_hit(tmp_path_factory, position, bit):
    folder = tmp_path_factory.mktemp("log")
    log = SegmentLog(folder)
    records = [bytes([number]) * 20 for number in range(5)]
    places = [log.append(data) for data in records]
    (path,) = folder.glob("*.seg")
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= 1 << bit
    path.write_bytes(data)
    hit = position % len(data) // (len(data) // 5)
    with pytest.raises(WireError, match="damaged"):
        log.read(places[hit])
    log.close()
    found, _ = recovered(folder)
    assert found == records[:hit] + records[hit + 1 :]


def test_a_full_disk_leaves_nothing_of_the_record_and_the_next_one_is_kept(tmp_path, monkeypatch):
    log = SegmentLog(tmp_path)
    log.append(b"before")
    write = os.write

    def write_half(file, data):
        write(file, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(segment_log.os, "write", write_half)
        with pytest.raises(OSError, match="No space"):
            log.append(b"does not fit")
    log.append(b"after")
    log.close()
    found, again = recovered(tmp_path)
    assert (found, again.damaged_bytes) == ([b"before", b"after"], 0)


def test_a_full_disk_does_not_keep_records_from_being_acknowledged(tmp_path, monkeypatch):
    log = SegmentLog(tmp_path)
    place = log.append(b"record")

    def fail(file, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(segment_log.os, "write", fail)
    log.acknowledge([place])
    log.close()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_fsync_refuses_the_record_and_never_writes_there_again(tmp_path, monkeypatch):
    log = SegmentLog(tmp_path, fsync=True)
    first = log.append(b"first")

    def fail(file):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(segment_log.os, "fdatasync", fail)
        with pytest.raises(OSError, match="Input/output"):
            log.append(b"lost")
    second = log.append(b"second")
    assert second.segment > first.segment
    log.close()
    assert recovered(tmp_path)[0] == [b"first", b"second"]


def run_until_killed(folder, first, lines):
    """What the process had reported when it was killed, after about so many `lines`."""
    command = [sys.executable, "-m", "helpers.killed_log", str(folder), str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    try:
        reported = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        reported += process.stdout.readlines()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    told = [line.split() for line in reported if line.endswith("\n")]
    return [{int(number) for what, number in told if what == word} for word in ("kept", "doing", "done")]


def test_kills_lose_nothing_that_was_kept_and_bring_nothing_back(tmp_path):
    """A record that was being acknowledged at the kill may be there or not."""
    chance = random.Random(1)
    kept, doing, done = set(), set(), set()
    for _ in range(6):
        first = max(kept, default=-1) + 2
        now_kept, now_doing, now_done = run_until_killed(tmp_path, first, chance.randrange(1, 600))
        kept, doing, done = kept | now_kept, doing | now_doing, done | now_done
        found, _ = recovered(tmp_path)
        numbers = {int.from_bytes(data[:8], "big") for data in found}
        assert found == [record(number) for number in sorted(numbers)]
        assert kept - doing - numbers == set()
        assert done & numbers == set()
        kept |= numbers
