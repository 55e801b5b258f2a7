import time

import pytest

from tollspan.collector.ottl.compilation import compile_condition
from tollspan.collector.ottl.time_converters import CONVERTERS
from tollspan.collector.ottl.values import Duration, EvaluationError, Time
from tollspan.otlp._message import Message


@pytest.mark.parametrize(
    "condition",
    [
        'Duration("1.5s") == Duration("1500ms") and Duration("-1m") < Duration("0")',
        'Duration("1h1m1s1ms1us1ns") > Duration("1h")',
        'Hours(Duration("90m")) == 1.5 and Minutes(Duration("90s")) == 1.5',
        'Seconds(Duration("1500ms")) == 1.5',
        'Milliseconds(Duration("1.5s")) == 1500 and Microseconds(Duration("1ms")) == 1000',
        'Nanoseconds(Duration("1us")) == 1000',
        'UnixSeconds(Time("2024-05-06 07:08:09", "%Y-%m-%d %H:%M:%S")) == 1714979289',
        'UnixSeconds(Time("2024-05-06", "%Y-%m-%d", "Europe/Berlin")) == 1714946400',
        'UnixMilli(Time("1970-01-01T00:00:01.5+0000", "%Y-%m-%dT%H:%M:%S.%f%z")) == 1500',
        'FormatTime(Time("2024-05-06", "%Y-%m-%d"), "%d.%m.%Y") == "06.05.2024"',
        'Year(Time("2024-05-06", "%Y-%m-%d")) == 2024 and Month(Time("2024-05-06", "%Y-%m-%d")) == 5',
        "Unix(10, 5) > Unix(10) and UnixNano(Unix(10, 5)) == 10000000005 and Nanosecond(Unix(10, 5)) == 5",
        'UnixSeconds(TruncateTime(Unix(3601), Duration("1h"))) == 3600',
        "Weekday(Unix(0)) == 4 and Weekday(Unix(259200)) == 0",
        'Day(Time("2024-05-06", "%Y-%m-%d")) == 6 and Hour(Time("07", "%H")) == 7',
    ],
)
def test_times_and_durations_are_read_and_written(condition):
    assert compile_condition(condition, "log")(Message(b""))


def test_now_is_read_at_each_call():
    condition = compile_condition('Now() - time < Duration("1h")', "log")
    record = Message(b"\x09" + time.time_ns().to_bytes(8, "little"))
    assert condition(record)
    assert not condition(Message(b""))


@pytest.mark.parametrize("text", ["", "1", "1 s", "s", "1s2", "\u0661s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(EvaluationError):
        CONVERTERS["Duration"](text)


@pytest.mark.parametrize("arguments", [("x", "%Y"), ("2024", "%Y", "Nowhere/Land")])
def test_what_is_no_time_is_refused(arguments):
    with pytest.raises(EvaluationError):
        CONVERTERS["Time"](*arguments)


def test_a_time_is_truncated_to_a_duration_above_zero():
    with pytest.raises(EvaluationError):
        CONVERTERS["TruncateTime"](Time(1), Duration(0))


def test_parts_of_a_second_are_kept_to_the_nanosecond():
    assert CONVERTERS["UnixNano"](Time(1_000_000_001)) == 1_000_000_001
    assert CONVERTERS["Nanoseconds"](Duration(1)) == 1
