import socket

import pytest

from tollspan.collector.listening import bind, dialable_host
from tollspan.errors import ConfigError


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("127.0.0.1:0", "127.0.0.1"),
        (":0", "127.0.0.1"),
        ("0.0.0.0:0", "127.0.0.1"),
        ("localhost:0", "localhost"),
    ],
)
def test_a_listener_can_be_dialled_at_its_host(endpoint, host):
    with bind(endpoint) as listener:
        assert dialable_host(endpoint) == host
        with socket.create_connection((host, listener.getsockname()[1])):
            pass


def test_an_ipv6_host_is_written_as_in_a_url():
    assert dialable_host("[::1]:4317") == "[::1]"


def test_a_taken_port_is_a_configuration_error():
    with bind("127.0.0.1:0") as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"cannot listen on {endpoint}: .*in use"):
            bind(endpoint)
