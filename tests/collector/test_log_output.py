import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, structlog
from tollspan.collector.log_output import configure_logging

configure_logging()
log = structlog.get_logger()
log.debug("not shown")
log.info("ready", port=1)
logging.getLogger("uvicorn.error").warning("from %s", "elsewhere")
secret = "hunter2"
try:
    raise ValueError("oops")
except ValueError:
    log.exception("failed")
"""


def test_everything_is_logged_to_stderr_as_json_lines_without_local_variables():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    ready, foreign, failed = map(json.loads, done.stderr.splitlines())
    assert done.stdout == ""
    assert (ready["event"], ready["level"], ready["port"]) == ("ready", "info", 1)
    assert (foreign["event"], foreign["level"]) == ("from elsewhere", "warning")
    assert "ValueError: oops" in failed["exception"]
    assert "hunter2" not in done.stderr


def test_level_encoding_and_fields_can_be_chosen():
    program = PROGRAM.replace(
        "configure_logging()", 'configure_logging(logging.DEBUG, "console", {"site": "x"})'
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "not shown" in done.stderr
    assert "site=x" in done.stderr
    assert "\x1b" not in done.stderr


HOSTILE = """
import logging, structlog, sys
from tollspan.collector.log_output import configure_logging

configure_logging(encoding=sys.argv[1])
log = structlog.get_logger()
hostile = "\\r\\n{}\\x1b[2J\\x9b31m\\x00\\u2028" + "x" * (1 << 20)
log.warning("refused", text=hostile, raw=hostile.encode(), listed=[hostile, "short"])
logging.getLogger("uvicorn.error").warning(hostile)
try:
    raise ValueError(hostile)
except ValueError:
    log.exception("failed")
"""
"""What a peer may have sent is logged: line ends, commands to the terminal, a megabyte."""


def test_whatever_a_peer_sent_is_one_bounded_line_of_json():
    done = subprocess.run([sys.executable, "-c", HOSTILE, "json"], capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert [json.loads(line)["level"] for line in lines] == ["warning", "warning", "error"]
    assert max(map(len, lines)) < 40_000
    assert json.loads(lines[0])["text"].endswith("characters)")


def test_whatever_a_peer_sent_commands_no_terminal_and_looks_like_no_other_line():
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, "console"], capture_output=True, check=True, text=True
    )
    assert not {"\x1b", "\x9b", "\x00", "\r"} & set(done.stderr)
    starts = [line[:4] for line in done.stderr.split("\n") if "refused" in line or "failed" in line]
    assert len(starts) == 2
    assert len(done.stderr) < 40_000


def test_who_logs_goes_on_when_the_log_cannot_be_written():
    program = PROGRAM + 'print("done")'
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, text=True, check=False
        )
    assert done.stdout == "done\n"
