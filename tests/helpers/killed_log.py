"""Keeps and acknowledges records until it is killed: `killed_log.py FOLDER FIRST`.

"kept N" is written when record N is kept, "doing N" before it is acknowledged and "done N" after; every
third one never is.
"""

import itertools
import sys
from pathlib import Path

from tollspan.collector import segment_log


def record(number):
    return number.to_bytes(8, "big") * (number % 50 + 1)


def report(what, number):
    sys.stdout.write(f"{what} {number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    segment_log.SEGMENT_BYTES_MAX = 4096
    log = segment_log.SegmentLog(Path(sys.argv[1]))
    places = {int.from_bytes(data[:8], "big"): place for place, data in log.recover()}
    for number in itertools.count(int(sys.argv[2])):
        places[number] = log.append(record(number))
        report("kept", number)
        old = number - 5
        if old in places and old % 3:
            report("doing", old)
            log.acknowledge([places.pop(old)])
            report("done", old)
