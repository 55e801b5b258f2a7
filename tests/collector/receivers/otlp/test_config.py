import pytest

from tollspan.collector.config.decode import Decoding
from tollspan.collector.receivers.otlp.config import GRPCConfig, HTTPConfig, OTLPConfig, ProtocolsConfig
from tollspan.otlp.signals import Signal


def test_the_defaults_are_those_of_otlp():
    assert (GRPCConfig().endpoint, GRPCConfig().message_bytes_max) == ("localhost:4317", 64 << 20)
    config = HTTPConfig()
    assert (config.endpoint, config.body_bytes_max, config.auth) == ("localhost:4318", 64 << 20, None)
    assert [config.path(signal) for signal in Signal] == ["/v1/traces", "/v1/metrics", "/v1/logs"]


@pytest.mark.parametrize("path", ["in/spans", "/in/spans"])
def test_a_path_starts_with_a_slash_whether_written_or_not(path):
    assert HTTPConfig(traces_url_path=path).path(Signal.TRACES) == "/in/spans"


def test_naming_a_protocol_without_settings_switches_it_on():
    decoding = Decoding()
    built = decoding.struct(OTLPConfig, {"protocols": {"http": None, "grpc": None}}, "")
    expected = OTLPConfig(protocols=ProtocolsConfig(http=HTTPConfig(), grpc=GRPCConfig()))
    assert (built, decoding.problems) == (expected, [])


@pytest.mark.parametrize(
    ("http", "path"),
    [
        ({"auth": {}}, "protocols::http::auth::authenticator"),
        ({"read_timeout": "soon"}, "protocols::http::read_timeout"),
        ({"read_timeout": "0s"}, "protocols::http::read_timeout"),
        ({"max_request_body_size": 0}, "protocols::http::max_request_body_size"),
        ({"logs_url_path": "/{any}"}, "protocols::http::logs_url_path"),
    ],
)
def test_a_wrong_setting_is_a_problem_at_its_path(http, path):
    decoding = Decoding()
    decoding.struct(OTLPConfig, {"protocols": {"http": http}}, "")
    assert [problem.path for problem in decoding.problems] == [path]
