"""`tollspan demo --once` starts everything, reads its own traffic back, and misses nothing."""

import subprocess
import sys

import pytest


@pytest.mark.timeout(300)
def test_the_demo_finds_everything_that_it_sent():
    done = subprocess.run(
        [sys.executable, "-m", "tollspan.cli", "demo", "--once"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything arrived" in done.stdout
    assert "MISSING" not in done.stdout
