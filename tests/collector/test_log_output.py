import json
import subprocess
import sys

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
