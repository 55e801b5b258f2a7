from tollspan.collector.config.decode import Decoding
from tollspan.collector.receivers.jaeger.config import JaegerConfig


def decode(settings):
    decoding = Decoding()
    return decoding.struct(JaegerConfig, settings, ""), [str(problem) for problem in decoding.problems]


def test_a_protocol_that_is_named_is_served_at_its_usual_place():
    config, problems = decode({"protocols": {"grpc": None, "thrift_http": None}})
    assert problems == []
    assert config.protocols.grpc.endpoint == "localhost:14250"
    assert config.protocols.thrift_http.endpoint == "localhost:14268"


def test_without_a_protocol_there_is_nothing_to_receive():
    assert "must specify at least one protocol" in decode({})[1][0]
