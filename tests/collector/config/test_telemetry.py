import pytest
from structlog.testing import capture_logs

from tollspan.collector.config.decode import Decoding
from tollspan.collector.config.telemetry import TelemetryConfig


def decode(body):
    decoding = Decoding()
    return decoding.struct(TelemetryConfig, body, ""), [str(problem) for problem in decoding.problems]


READERS = {"readers": [{"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": 9999}}}}]}


@pytest.mark.parametrize(
    ("metrics", "endpoints"),
    [
        ({}, None),
        (READERS, ("0.0.0.0:9999",)),
        ({"address": "0.0.0.0:8888", **READERS}, ("0.0.0.0:8888",)),
        ({"level": "none", **READERS}, ()),
    ],
)
def test_the_page_is_where_the_configuration_says(metrics, endpoints):
    config, problems = decode({"metrics": metrics})
    assert (config.metrics.endpoints(), problems) == (endpoints, [])


def test_the_old_key_for_the_address_is_told():
    with capture_logs() as logs:
        decode({"metrics": {"address": "0.0.0.0:8888"}})
    assert [(log["event"], log["log_level"]) for log in logs] == [("config_key_is_old", "warning")]


@pytest.mark.parametrize(("text", "level"), [("info", 20), ("WARN", 30), ("debug", 10)])
def test_levels_are_read_in_any_case(text, level):
    assert decode({"logs": {"level": text}})[0].logs.level == level


def test_an_unknown_level_is_a_problem():
    assert decode({"logs": {"level": "loud"}})[1] == [
        "logs::level: 'loud' is not a log level; known: debug, info, warn, error"
    ]
