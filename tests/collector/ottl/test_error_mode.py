import pytest
from structlog.testing import capture_logs

from tollspan.collector.ottl.error_mode import any_of, each_of
from tollspan.collector.ottl.values import EvaluationError
from tollspan.errors import PermanentError
from tollspan.otlp._message import Message

SPAN = Message(b"")


def failing(message):
    raise EvaluationError("no result")


def yes(message):
    return True


def no(message):
    return False


@pytest.mark.parametrize("mode", ["ignore", "silent"])
def test_a_condition_that_fails_is_passed_over(mode):
    assert any_of([("a", failing), ("b", yes)], mode)(SPAN)
    assert not any_of([("a", failing), ("b", no)], mode)(SPAN)
    assert not any_of([], mode)(SPAN)


def test_propagate_refuses_the_batch_with_text_and_cause():
    with pytest.raises(PermanentError, match="failed to eval condition: a > b, no result"):
        any_of([("a > b", failing)], "propagate")(SPAN)
    with pytest.raises(PermanentError, match="failed to execute statement: set"):
        each_of([("set", failing)], "propagate")(SPAN)


def test_conditions_after_the_first_that_holds_are_not_asked():
    assert any_of([("a", yes), ("b", failing)], "propagate")(SPAN)


def test_a_statement_that_fails_does_not_keep_the_next_from_running():
    ran = []
    with capture_logs() as logs:
        each_of([("a", failing), ("b", ran.append)], "ignore")(SPAN)
    assert ran == [SPAN]
    assert [(log["event"], log["text"], log["error"]) for log in logs] == [
        ("ottl_statement_failed", "a", "no result")
    ]


def test_a_flood_of_failures_is_one_log_line():
    holds = any_of([("a", failing)], "ignore")
    with capture_logs() as logs:
        for _ in range(100):
            holds(SPAN)
    assert len(logs) == 1


def test_silent_logs_nothing():
    with capture_logs() as logs:
        any_of([("a", failing)], "silent")(SPAN)
    assert logs == []
