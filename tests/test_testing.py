"""The pytest plugin, as a project that installs Tollspan gets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider

import tollspan
from tollspan.sdk.recording import Measured
from tollspan.testing import Captured

PROJECT = """
import logging, pytest, tollspan
from opentelemetry import trace, metrics

COUNTER = metrics.get_meter("shop").create_counter("orders")

def place_order():
    with trace.get_tracer("shop").start_as_current_span("place order"):
        COUNTER.add(1, {"kind": "gift"})
        tollspan.log("info", "order placed")

@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_test_sees_what_it_did_alone(captel, times):
    for _ in range(times):
        place_order()
    assert [span.name for span in captel.spans] == ["place order"] * times
    assert [log.log_record.body for log in captel.logs] == ["order placed"] * times
    assert captel.metric("orders", kind="gift").value == times

def test_the_unit_is_on_the_span(captel):
    with tollspan.unit("acme", parent="enterprise"):
        place_order()
    assert captel.span("place order").attributes["tollspan.unit"] == "acme"

def test_what_is_logged_is_there_once_and_by_the_levels_that_are_set(captel):
    logging.getLogger("shop").warning("card declined", extra={"order": 7})
    logging.getLogger("shop").debug("not shown")
    assert [log.log_record.body for log in captel.logs] == ["card declined"]
    assert captel.log("card declined").severity_text == "WARN"
    assert captel.log("card declined").attributes["order"] == 7
"""


@pytest.mark.parametrize("order", [[], ["-p", "randomly"]])
@pytest.mark.parametrize(
    "start",
    [
        "",
        pytest.param(
            "tollspan.init('shop')\n",
            marks=pytest.mark.skipif(
                not hasattr(MeterProvider, "add_metric_reader"), reason="needs opentelemetry-sdk 1.43"
            ),
        ),
    ],
)
def test_a_project_finds_the_fixture_and_its_tests_are_apart(tmp_path: Path, start: str, order: list[str]):
    (tmp_path / "test_shop.py").write_text(PROJECT + start)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *order, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_what_is_not_there_is_answered_with_what_is(captel: Captured):
    with tollspan.span("work"):
        pass

    with pytest.raises(AssertionError, match="0 times 'play' among: work"):
        captel.span("play")


def test_a_measurement_is_read_again_and_again(captel: Captured):
    tollspan.metric("orders", 1, kind="counter")
    first = captel.metrics
    tollspan.metric("orders", 2, kind="counter")

    assert first == [Measured("orders", "1", {}, 1)]
    assert captel.metrics == [Measured("orders", "1", {}, 3)]


def test_the_plugin_costs_nothing_where_it_is_not_used():
    code = "import tollspan.testing, sys; assert 'opentelemetry' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
