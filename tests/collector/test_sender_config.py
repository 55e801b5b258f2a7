import pytest

from tollspan.collector.config.decode import Decoding
from tollspan.collector.sender_config import SenderConfig


def decode(mapping):
    decoding = Decoding()
    return decoding.struct(SenderConfig, mapping, "exporters::x"), [str(p) for p in decoding.problems]


def test_the_collectors_defaults_hold():
    config, _ = decode(None)
    assert (config.timeout_s, config.elapsed_max_s) == (5, 300)
    assert (config.sending_queue.num_consumers, config.sending_queue.queue_size) == (10, 1000)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            {"sending_queue": {"storage": "file_storage", "wait_for_result": True}},
            "sending_queue::wait_for_result: is not supported together with storage",
        ),
        (
            {"sending_queue": {"sizer": "items", "batch": {"min_size": 2000}}},
            "sending_queue::batch::min_size: must not be more than queue_size",
        ),
        (
            {"sending_queue": {"batch": {"max_size": 5}}},
            "sending_queue::batch::max_size: must not be less than min_size",
        ),
        (
            {"sending_queue": {"batch": {"flush_timeout": "0s"}}},
            "sending_queue::batch::flush_timeout: must be more than 0",
        ),
        (
            {"retry_on_failure": {"enabled": False, "max_elapsed_time": "10s"}},
            "retry_on_failure::max_elapsed_time: must not be less than initial_interval or max_interval",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(body, problem):
    assert decode(body)[1] == [f"exporters::x::{problem}"]
