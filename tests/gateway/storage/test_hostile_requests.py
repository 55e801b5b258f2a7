"""What a request of 64 MiB can make the process use: measured in a process of its own."""

import os
import subprocess
import sys

import pytest

from helpers import hostile_writer

# Beyond the request itself: columns, block, and the copy that the database reads.
PEAK_MIB_MAX = 512


@pytest.mark.xdist_group("telemetry")
@pytest.mark.parametrize("name", sorted(hostile_writer.REQUESTS))
def test_memory_is_bounded_whatever_a_request_is_made_of(tmp_path, name):
    done = subprocess.run(
        [sys.executable, hostile_writer.__file__, str(tmp_path), name],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    answer, peak_mib = done.stdout.split()
    assert answer in {"Receipt", "LimitError"}
    assert int(peak_mib) < PEAK_MIB_MAX
