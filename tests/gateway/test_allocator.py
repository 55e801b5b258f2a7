import subprocess
import sys

import pytest

# In a process of its own: what it sets stays. Blocks of a size that glibc would map and unmap each time.
COUNT_FAULTS = """
import resource, sys
from tollspan.gateway.allocator import keep_freed_memory

if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit("no mallopt")
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        blocks = [bytearray(8 << 20) for _ in range(4)]
        del blocks
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""


def count_faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS, how], capture_output=True, text=True, check=False
    )
    if "no mallopt" in done.stderr:
        pytest.skip("the C library has no mallopt")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_memory_that_was_freed_is_used_again_without_asking_the_system():
    assert count_faults("kept") < count_faults("as it is") / 10
