"""`tollspan demo --once` starts everything, reads its own traffic back, and misses nothing."""

import os
import re
import signal
import subprocess
import sys

import httpx
import pytest

DEMO = (sys.executable, "-m", "tollspan.cli", "demo")


@pytest.mark.timeout(300)
def test_the_demo_finds_everything_that_it_sent():
    done = subprocess.run([*DEMO, "--once"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything arrived" in done.stdout
    assert "MISSING" not in done.stdout


@pytest.mark.timeout(300)
def test_an_impatient_second_interrupt_leaves_nothing_running_behind(tmp_path):
    with subprocess.Popen(
        [*DEMO, "--http", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as demo:
        lines = iter(demo.stdout.readline, "Ctrl-C stops everything.\n")
        [gateway, shop] = re.findall(r"http://127\.0\.0\.1:\d+", "".join(lines))
        demo.send_signal(signal.SIGINT)
        assert "Stopping.\n" in iter(demo.stdout.readline, "")
        demo.send_signal(signal.SIGINT)

        assert demo.wait(timeout=60) == 0
    assert list(tmp_path.iterdir()) == []
    for url in (gateway, shop):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "many"])
def test_a_rate_that_is_none_is_wrong_usage(rate):
    done = subprocess.run([*DEMO, f"--rate={rate}"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "argument --rate" in done.stderr
