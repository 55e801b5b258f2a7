import pytest

from helpers.processors import problems
from tollspan.collector.exporters.loadbalancing.config import with_port
from tollspan.collector.exporters.loadbalancing.exporter import FACTORY

STATIC = {"static": {"hostnames": ["gateway-0:4317", "gateway-1"]}}
DNS = {"dns": {"hostname": "gateway", "port": "4317"}}


@pytest.mark.parametrize("resolver", [STATIC, DNS])
def test_a_resolver_is_enough(resolver):
    assert problems(FACTORY, {"resolver": resolver}) == []


def otlp(**settings):
    return {"resolver": DNS, "protocol": {"otlp": settings}}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"resolver": {}}, "resolver: one of static and dns must be set"),
        ({"resolver": STATIC | DNS}, "resolver: one of static and dns must be set"),
        ({"resolver": {"static": {"hostnames": []}}}, "resolver::static::hostnames: at least one is needed"),
        ({"resolver": {"static": {"hostnames": ["a/b"]}}}, "resolver::static::hostnames::0: must be host"),
        ({"resolver": {"dns": {"hostname": "a", "port": 0}}}, "resolver::dns::port: 0 is not a port"),
        ({"resolver": {"dns": {"hostname": "a", "interval": "0s"}}}, "resolver::dns::interval: must be more"),
        (otlp(endpoint="a:1"), "protocol::otlp::endpoint: is found by the resolver"),
        (otlp(sending_queue={"enabled": False}), "protocol::otlp::sending_queue::enabled: is needed"),
        (otlp(sending_queue={"storage": "disk"}), "protocol::otlp::sending_queue::storage: is not possible"),
        ({"resolver": DNS, "routing_key": "metric"}, "routing_key: "),
    ],
)
def test_what_cannot_be_is_told(body, path):
    (problem,) = problems(FACTORY, body)
    assert path in problem


@pytest.mark.parametrize(
    ("backend", "address"), [("a", "a:4317"), ("a:1", "a:1"), ("[::1]", "[::1]:4317"), ("[::1]:5", "[::1]:5")]
)
def test_a_port_that_is_left_out_is_otlps(backend, address):
    assert with_port(backend) == address
